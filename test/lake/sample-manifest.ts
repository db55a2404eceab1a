// A manifest with every field filled in, and the one that follows it.

import { createHash } from 'node:crypto';
import { encodeManifest } from '../../activities/lake/manifest-codec.ts';
import { inlineKey } from '../../activities/lake/object-key.ts';
import { type DataFile, MANIFEST_FORMAT_VERSION, type Manifest } from '../../workflows/model/manifest.ts';
import { capturedTable, OID } from './captured-table.ts';

const HASH = 'ab'.repeat(32);

export const SAMPLE: Manifest = {
  formatVersion: 1,
  pipeline: 'shop',
  seq: 1,
  epochNo: 1,
  epoch: { systemIdentifier: '7300000000000000001', slot: 'walflow_shop', consistentPoint: '0000000001000000' },
  timeline: 1,
  previousHash: null,
  startLsn: '0000000001000000',
  endLsn: '0000000001000100',
  firstCommitTime: '2026-01-31T23:59:59.000001Z',
  lastCommitTime: '2026-01-31T23:59:59.123456Z',
  effectiveTime: '2026-01-31T23:59:59.123456Z',
  lastCommit: { lsn: '00000000010000f0', xid: 777, time: '2026-01-31T23:59:59.123456Z' },
  transactions: 2,
  tables: [
    {
      table: 'public.t',
      schemaVersion: '0123456789ab',
      files: [
        {
          key: 'data/public/t/dt=2026-01-31/hr=23/00000000000000000001-0-a1b2.parquet',
          rows: 3,
          bytes: 1234,
          sha256: HASH,
          minCommitLsn: '0000000001000010',
          maxCommitLsn: '00000000010000f0',
          minCommitTime: '2026-01-31T23:59:59.000001Z',
          maxCommitTime: '2026-01-31T23:59:59.123456Z',
          inserts: 1,
          updates: 1,
          deletes: 1,
          moved: 0,
          unchangedColumns: ['doc'],
        },
      ],
    },
  ],
  truncates: [{ table: 'public.t', commitLsn: '0000000001000010', ordinal: 0 }],
  capture: [
    {
      ...capturedTable([
        ['id', OID.int8],
        ['doc', OID.text],
      ]),
      schemaVersion: '0123456789ab',
      snapshot: { id: '00000001-a1b2', r0Lsn: '0000000001000000', fromSeq: 1 },
      paused: { code: 'VALUE_NOT_EXACT', reason: 'public.t.n', commitLsn: '00000000010000f0' },
    },
  ],
  captureSeq: 1,
  writer: { workflowId: 'ingest/shop', runId: 'run-1', attempt: 1, nonce: 'a1b2', version: '0.1.0' },
};

/** An empty manifest behind another. */
export function following(previous: Manifest, changes: Partial<Manifest> = {}): Manifest {
  return {
    ...previous,
    seq: previous.seq + 1,
    previousHash: encodeManifest(previous).hash,
    startLsn: previous.endLsn,
    firstCommitTime: null,
    lastCommitTime: null,
    transactions: 0,
    tables: [],
    truncates: [],
    capture: null,
    ...changes,
  };
}

/** The same manifest, and its files lie in it; what they hold is looked up by their keys. */
export function withInline(manifest: Manifest, content: (key: string) => Uint8Array): Manifest {
  let part = 0;
  const inline = (file: DataFile): DataFile => {
    const body = Buffer.from(content(file.key));
    const sha256 = createHash('sha256').update(body).digest('hex');
    const key = inlineKey(manifest.seq, part++);
    return { ...file, key, bytes: body.length, sha256, inline: body.toString('base64') };
  };
  const tables = manifest.tables.map((table) => ({ ...table, files: table.files.map(inline) }));
  return { ...manifest, formatVersion: MANIFEST_FORMAT_VERSION, tables };
}
