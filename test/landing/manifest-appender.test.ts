import { expect, test } from 'vitest';
import { type LakeStore, ManifestAppender } from '../../activities/landing/manifest-appender.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { capturedTable, OID } from '../lake/captured-table.ts';
import { rowOf } from '../support/row.ts';

const EPOCH = { systemIdentifier: '1', slot: 'walflow_shop', consistentPoint: '0000000000000010' };
const WRITER = { workflowId: 'ingest/shop', runId: 'r', attempt: 1, nonce: 'abcd1234', version: '0.0.0' };
const ENTRY: CaptureEntry = {
  ...capturedTable([['id', OID.int8]]),
  schemaVersion: 'v1',
  snapshot: { id: '00000001-a1', r0Lsn: '0000000000000010', fromSeq: 1 },
};

/** A store in memory; `forgets` confirms data files it does not keep. */
class MemoryLake implements LakeStore {
  readonly objects = new Map<string, Uint8Array>();
  readonly #forgets: boolean;

  constructor(forgets = false) {
    this.#forgets = forgets;
  }

  async get(key: string): Promise<Buffer | null> {
    const body = this.objects.get(key);
    return body === undefined ? null : Buffer.from(body);
  }

  async exists(key: string): Promise<boolean> {
    return this.objects.has(key);
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<'stored' | 'exists'> {
    if (this.objects.has(key)) return 'exists';
    if (!(this.#forgets && key.startsWith('data/'))) this.objects.set(key, body);
    return 'stored';
  }
}

function writerOn(lake: LakeStore, verifyWrites: boolean): ManifestAppender {
  const position = { head: null, epochNo: 1, epoch: EPOCH, timeline: 1, resumeLsn: 16n, unencoded: false };
  return new ManifestAppender({ pipeline: 'shop', lake, position, writer: WRITER, verifyWrites, inlineBytes: 0 });
}

async function storeOneRow(writer: ManifestAppender) {
  const encoder = writer.encoderFor(ENTRY);
  encoder.beginTransaction(17n, 1_700_000_000_000_000, 7);
  encoder.append('i', 0, false, rowOf(['42']));
  const encoded = await writer.encode(ENTRY, encoder);
  return await writer.storeFile(ENTRY, encoded, { seq: 1, part: 0, commitTimeUs: 1_700_000_000_000_000 });
}

test('a stored file is described by what is in it', async () => {
  const lake = new MemoryLake();
  const file = await storeOneRow(writerOn(lake, true));
  expect(file).toMatchObject({
    rows: 1,
    inserts: 1,
    minCommitLsn: '0000000000000011',
    maxCommitLsn: '0000000000000011',
  });
  expect(lake.objects.get(file.key)?.length).toBe(file.bytes);
});

test('with verifyWrites a store that forgets what it confirmed is caught before the manifest', async () => {
  await expect(storeOneRow(writerOn(new MemoryLake(true), true))).rejects.toMatchObject({ code: 'LAKE_LOST_OBJECT' });
});

test('manifests of an epoch abut, count on, and remember what is captured', async () => {
  const writer = writerOn(new MemoryLake(), false);
  const first = await writer.recordCapture([ENTRY]);
  expect(first).toMatchObject({ seq: 1, previousHash: null, startLsn: EPOCH.consistentPoint, captureSeq: 1 });
  const seq = writer.reserveSeq();
  const batch = {
    rows: 0,
    transactions: 1,
    firstCommitTimeUs: 5,
    effectiveTimeUs: 5,
    lastCommit: { lsn: '0000000000000011', xid: 7, time: '1970-01-01T00:00:00.000005Z' },
    endLsn: 0x20n,
    truncates: [],
  };
  const { manifest } = await writer.land(batch, [], null);
  expect(manifest).toMatchObject({
    seq,
    startLsn: first.endLsn,
    endLsn: '0000000000000020',
    captureSeq: 1,
    capture: null,
  });
  expect(writer.durableLsn).toBe(0x20n);
});

test('an encoder is used again, never shared by two batches at once', () => {
  const writer = writerOn(new MemoryLake(), false);
  const one = writer.encoderFor(ENTRY);
  expect(writer.encoderFor(ENTRY)).not.toBe(one);
  writer.recycle(ENTRY, one);
  expect(writer.encoderFor(ENTRY)).toBe(one);
});
