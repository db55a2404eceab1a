// Small batches ride inside their manifest, larger ones are objects, also side by side in one log.

import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LiveCapture } from '../../activities/capture/live-capture.ts';
import type { EncodedChangeFile } from '../../activities/lake/change-file.ts';
import { readManifest } from '../../activities/lake/log.ts';
import { areWithin } from '../../activities/landing/inline-limit.ts';
import { Landing } from '../../activities/landing/landing.ts';
import { type LakeStore, ManifestAppender } from '../../activities/landing/manifest-appender.ts';
import { parseLsn } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, Manifest, StoredManifest } from '../../workflows/model/manifest.ts';
import { capturedTable, OID } from '../lake/captured-table.ts';
import { rowOf } from '../support/row.ts';

const TIME_US = 1_700_000_000_000_000;
const MAX_BYTES = 4_096;
const entryOf = (name: string): CaptureEntry => ({
  ...capturedTable([['body', OID.text]]),
  ...{ table: `public.${name}`, name, oid: name.length },
  ...{ schemaVersion: 'v1', snapshot: { id: '00000001-a1', r0Lsn: '0000000000000010', fromSeq: 1 } },
});
const TABLES = [entryOf('a'), entryOf('bb')] as const;

const objects = new Map<string, Buffer>();
const lake: LakeStore = {
  get: async (key) => objects.get(key) ?? null,
  exists: async (key) => objects.has(key),
  putIfAbsent: async (key, body) => {
    objects.set(key, Buffer.from(body));
    return 'stored';
  },
};
const open: Landing[] = [];

/** One attempt of ingest, which continues the log. */
function attempt(inlineBytes: number, head: StoredManifest | null = null) {
  const epoch = { systemIdentifier: '1', slot: 'walflow_shop', consistentPoint: '0000000000000010' };
  const resumeLsn = parseLsn(head?.manifest.endLsn ?? epoch.consistentPoint);
  const position = { head, epochNo: 1, epoch, timeline: 1, resumeLsn, unencoded: false };
  const run = { workflowId: 'ingest/shop', runId: 'r', attempt: 1, nonce: 'abcd1234', version: '0.0.0' };
  const writer = new ManifestAppender({
    ...{ pipeline: 'shop', lake, position, writer: run, verifyWrites: true, inlineBytes },
  });
  const landing = new Landing({
    ...{ writer, capture: new LiveCapture(TABLES), newSnapshotId: () => 'b2' },
    ...{ maxDelayMs: 60_000, maxRows: 1_000, maxBytes: MAX_BYTES },
    isBehind: () => false,
    nowMs: () => performance.now(),
    onLanded: () => {},
    onPressure: () => {},
  });
  open.push(landing);
  return { writer, landing };
}

/** Lands one transaction with a row of so many characters in each table. */
async function land({ writer, landing }: ReturnType<typeof attempt>, lengths = [10, 10]): Promise<Manifest> {
  const lsn = writer.durableLsn + 16n;
  landing.begin(lsn, TIME_US, 7);
  TABLES.forEach((table, ordinal) => {
    landing.change(table, 'i', ordinal, false, rowOf(['x'.repeat(lengths[ordinal] ?? 0)]));
  });
  landing.commit(lsn, lsn + 8n, TIME_US);
  await landing.drain();
  const stored = await readManifest(lake, writer.head?.manifest.seq ?? 0);
  expect(stored?.hash).toBe(writer.head?.hash);
  return stored?.manifest as Manifest;
}

const filesOf = ({ tables }: Manifest) => tables.flatMap(({ files }) => files);
const dataKeys = () => [...objects.keys()].filter((key) => key.startsWith('data/')).sort();

beforeEach(() => objects.clear());
afterEach(() => {
  for (const landing of open.splice(0)) landing.close();
});

/** What the files of a small batch take together. */
async function smallBatchBytes(): Promise<number> {
  const bytes = filesOf(await land(attempt(0))).reduce((sum, file) => sum + file.bytes, 0);
  objects.clear();
  return bytes;
}

test('a small batch is one object: its manifest, of format version 2, with the files of all tables inside', async () => {
  const one = attempt(await smallBatchBytes());
  const manifest = await land(one);
  expect([...objects.keys()]).toEqual(['log/00000000000000000001.json']);
  expect(manifest).toMatchObject({ formatVersion: 2, tables: [{ table: 'public.a' }, { table: 'public.bb' }] });
  expect(filesOf(manifest).map(({ key }) => key)).toEqual([
    'log/00000000000000000001.json#0',
    'log/00000000000000000001.json#1',
  ]);
  for (const { inline = '', bytes, sha256 } of filesOf(manifest)) {
    const body = Buffer.from(inline, 'base64');
    expect(body.toString('latin1')).toMatch(/^PAR1[\s\S]*PAR1$/);
    expect([body.length, createHash('sha256').update(body).digest('hex')]).toEqual([bytes, sha256]);
  }
  expect(JSON.stringify(one.writer.head), 'what the writer keeps').not.toContain('inline');
});

test('a batch that is one byte larger goes into objects, and its manifest says what version 1 says', async () => {
  const manifest = await land(attempt((await smallBatchBytes()) - 1));
  expect(manifest.formatVersion).toBe(1);
  expect(filesOf(manifest).map(({ key }) => key)).toEqual(dataKeys());
  expect(dataKeys()).toHaveLength(2);
  expect(JSON.stringify(manifest)).not.toContain('inline');
});

test('a batch that went to the lake in parts stays there, however little is left', async () => {
  const manifest = await land(attempt(1_000_000), [MAX_BYTES, 1]);
  expect(filesOf(manifest).map(({ key }) => key)).toEqual(dataKeys());
  expect(dataKeys()).toHaveLength(2);
});

test('the limit may be another at every start: the log goes on, each batch by the limit of its time', async () => {
  const versions: number[] = [];
  let head: StoredManifest | null = null;
  for (const inlineBytes of [0, 1_000_000, 0]) {
    const next = attempt(inlineBytes, head);
    const manifest = await land(next);
    expect(manifest.previousHash).toBe(head?.hash ?? null);
    versions.push(manifest.formatVersion);
    head = next.writer.head;
  }
  expect(versions).toEqual([1, 2, 1]);
});

test('an empty manifest says version 1', async () => {
  const { writer } = attempt(1_000_000);
  expect(await writer.recordCapture(TABLES)).toMatchObject({ formatVersion: 1 });
});

const encoded = (bytes: number) => ({ bytes: Buffer.alloc(bytes) }) as EncodedChangeFile;

test('a large file is not held up by the others: it is clear at once that the batch is not small', async () => {
  const never = new Promise<EncodedChangeFile>(() => {});
  expect(await areWithin(10, [never, Promise.resolve(encoded(11))])).toBe(false);
});

test('small files wait for the last one, and one that fails decides nothing', async () => {
  const last = Promise.withResolvers<EncodedChangeFile>();
  const within = areWithin(10, [Promise.resolve(encoded(5)), last.promise]);
  last.resolve(encoded(5));
  expect(await within).toBe(true);
  const failing = Promise.reject<EncodedChangeFile>(new Error('no such value'));
  expect(await areWithin(10, [failing, Promise.resolve(encoded(5))])).toBe(true);
});
