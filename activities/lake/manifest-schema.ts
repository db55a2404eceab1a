// The schemas of a stored manifest, of a snapshot's `complete.json` and of its chunk markers: checked when written and when
// read, because all later code trusts positions, keys and checksums. Fields: workflows/model/manifest.ts.

import { z } from 'zod';
import {
  type ChunkMarker,
  FIRST_FORMAT_VERSION,
  type Manifest,
  type SnapshotComplete,
  type SnapshotFailure,
} from '../../workflows/model/manifest.ts';
import { holderOf } from './object-key.ts';

const lsn = z.string().regex(/^[0-9a-f]{16}$/, 'not 16 lower-case hex digits');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'not a hex SHA-256');
/** As `isoFromMicros` writes it; years beyond 9999 have a sign and six digits. */
const time = z.string().regex(/^([+-]\d\d)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'not a UTC time in microseconds');
const count = z.int().nonnegative();
const seq = z.int().positive();
const text = z.string().min(1);

const dataFile = z.object({
  key: text,
  rows: count,
  bytes: count,
  sha256,
  minCommitLsn: lsn,
  maxCommitLsn: lsn,
  minCommitTime: time,
  maxCommitTime: time,
  inserts: count,
  updates: count,
  deletes: count,
  moved: count,
  unchangedColumns: z.array(text),
  // Last, so that a person sees what is said of the file before its body. Length and checksum prove it when it is read.
  inline: text.exactOptional(),
});

const captureEntry = z.object({
  table: text,
  schema: text,
  name: text,
  oid: count,
  mode: z.enum(['keyed', 'append-only']),
  keyColumns: z.array(text),
  columns: z.array(z.object({ name: text, typeOid: count, typeModifier: z.int() })),
  replicaIdentity: z.enum(['d', 'n', 'f', 'i']),
  layout: z
    .object({
      columnNumbers: z.array(count),
      attributes: text,
      storage: text,
      leaves: z.array(text).exactOptional(),
      dependencies: z.array(text).exactOptional(),
    })
    .exactOptional(),
  schemaVersion: text,
  snapshot: z.object({ id: text, r0Lsn: lsn, fromSeq: seq, exact: z.literal(true).exactOptional() }),
  provisional: z.literal(true).exactOptional(),
  paused: z.object({ code: text, reason: z.string(), commitLsn: lsn }).exactOptional(),
});

export const manifestSchema: z.ZodType<Manifest> = z
  .object({
    formatVersion: z.int().positive(),
    pipeline: text,
    seq,
    epochNo: z.int().positive(),
    epoch: z.object({ systemIdentifier: text, slot: text, consistentPoint: lsn }),
    timeline: count,
    previousHash: sha256.nullable(),
    startLsn: lsn,
    endLsn: lsn,
    firstCommitTime: time.nullable(),
    lastCommitTime: time.nullable(),
    effectiveTime: time.nullable(),
    lastCommit: z.object({ lsn, xid: count, time }).nullable(),
    transactions: count,
    tables: z.array(z.object({ table: text, schemaVersion: text, files: z.array(dataFile) })),
    truncates: z.array(z.object({ table: text, commitLsn: lsn, ordinal: count })),
    capture: z.array(captureEntry).nullable(),
    captureSeq: seq,
    writer: z.object({ workflowId: text, runId: text, attempt: count, nonce: text, version: text }),
  })
  .refine((m) => m.startLsn <= m.endLsn, { path: ['endLsn'], error: 'lies before startLsn' })
  .refine((m) => (m.seq === 1) === (m.previousHash === null), {
    path: ['previousHash'],
    error: 'is null in manifest 1 and nowhere else',
  })
  .refine(inlineFilesAreItsOwn, { path: ['tables'], error: 'has an inline file that is not this manifest’s' });

/** A reader of version 1 would look for an object; and by its key a file is found again. */
function inlineFilesAreItsOwn({ formatVersion, seq: own, tables }: Manifest): boolean {
  const inline = tables.flatMap(({ files }) => files).filter((file) => file.inline !== undefined);
  return inline.every(({ key }) => formatVersion > FIRST_FORMAT_VERSION && holderOf(key) === own);
}

const snapshotFile = z.object({ key: text, rows: count, bytes: count, sha256 });

export const snapshotCompleteSchema: z.ZodType<SnapshotComplete> = z.object({
  formatVersion: z.int().positive(),
  table: text,
  id: text,
  r0Lsn: lsn,
  endLsn: lsn,
  rows: count,
  files: z.array(snapshotFile),
});

export const snapshotFailureSchema: z.ZodType<SnapshotFailure> = z.object({
  formatVersion: z.int().positive(),
  table: text,
  id: text,
  code: text,
  reason: text,
});

export const chunkMarkerSchema: z.ZodType<ChunkMarker> = z.object({
  file: snapshotFile.nullable(),
  lastKey: z.array(z.string()).nullable(),
  last: z.boolean(),
});
