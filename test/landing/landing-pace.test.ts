import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveCapture } from '../../activities/capture/live-capture.ts';
import { Landing } from '../../activities/landing/landing.ts';
import { type LakeStore, type LandedBatch, ManifestAppender } from '../../activities/landing/manifest-appender.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { capturedTable, OID } from '../lake/captured-table.ts';
import { rowOf } from '../support/row.ts';

const MAX_DELAY_MS = 50;
const ENTRY: CaptureEntry = {
  ...capturedTable([['id', OID.int8]]),
  schemaVersion: 'v1',
  snapshot: { id: '00000001-a1', r0Lsn: '0000000000000010', fromSeq: 1 },
};
const ROW = rowOf(['42']);

/** Everything is stored at once. */
const LAKE: LakeStore = {
  get: async () => null,
  exists: async () => false,
  putIfAbsent: async () => 'stored',
};

/** A landing whose time and timers are the test's; positions count commits. */
function paced(isBehind = () => false, entries: readonly CaptureEntry[] = [ENTRY], lake = LAKE) {
  const landed: LandedBatch[] = [];
  const epoch = { systemIdentifier: '1', slot: 'walflow_shop', consistentPoint: '0000000000000010' };
  const landing = new Landing({
    writer: new ManifestAppender({
      ...{ pipeline: 'shop', lake, verifyWrites: false, inlineBytes: 0 },
      position: { head: null, epochNo: 1, epoch, timeline: 1, resumeLsn: 16n, unencoded: false },
      writer: { workflowId: 'ingest/shop', runId: 'r', attempt: 1, nonce: 'abcd1234', version: '0.0.0' },
    }),
    capture: new LiveCapture(entries),
    newSnapshotId: () => 'b2',
    ...{ maxDelayMs: MAX_DELAY_MS, maxRows: 1_000, maxBytes: 1 << 20 },
    isBehind,
    nowMs: () => performance.now(),
    onLanded: (batch) => void landed.push(batch),
    onPressure: () => {},
  });
  let lsn = 16n;
  const begin = () => {
    lsn += 16n;
    landing.begin(lsn, 1_700_000_000_000_000, 7);
    landing.change(ENTRY, 'i', 0, false, ROW);
  };
  const commit = () => landing.commit(lsn, lsn + 8n, 1_700_000_000_000_000);
  return { landing, landed, begin, commit };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], now: 10_000 }));
afterEach(() => void vi.useRealTimers());

test('after an idle spell a commit waits only for what is already in the socket', async () => {
  const { landed, begin, commit, landing } = paced();
  await vi.advanceTimersByTimeAsync(1_000);
  begin();
  commit();
  expect(landing.idle).toBe(false);
  await vi.advanceTimersByTimeAsync(2);
  await landing.drain();
  expect(landed.map(({ rows }) => rows)).toEqual([1]);
});

test('under a steady trickle a batch is cut once per delay, however fast the store answers', async () => {
  const { landed, begin, commit, landing } = paced();
  await vi.advanceTimersByTimeAsync(1_000);
  for (let ms = 0; ms < 500; ms += 5) {
    begin();
    commit();
    await vi.advanceTimersByTimeAsync(5);
  }
  await landing.drain();
  expect(landed.reduce((rows, batch) => rows + batch.rows, 0)).toBe(100);
  expect(landed.length).toBeGreaterThanOrEqual(10);
  expect(landed.length).toBeLessThanOrEqual(12);
});

test('a batch is cut at the commit that finds it due, although every timer fires inside a transaction', async () => {
  const { landed, begin, commit, landing } = paced();
  await vi.advanceTimersByTimeAsync(1_000);
  begin();
  for (let ms = 0; ms < 500; ms += 5) {
    await vi.advanceTimersByTimeAsync(5);
    commit();
    begin();
  }
  commit();
  await landing.drain();
  expect(landed.reduce((rows, batch) => rows + batch.rows, 0)).toBe(101);
  expect(landed.length).toBeGreaterThanOrEqual(9);
});

test('while old commits are caught up with, a batch fills for a second', async () => {
  const { landed, begin, commit, landing } = paced(() => true);
  await vi.advanceTimersByTimeAsync(1_000);
  for (let ms = 0; ms < 2_000; ms += 5) {
    begin();
    commit();
    await vi.advanceTimersByTimeAsync(5);
  }
  await landing.drain();
  expect(landed.reduce((rows, batch) => rows + batch.rows, 0)).toBe(400);
  expect(landed.length).toBeLessThanOrEqual(4);
});

test('… or until nothing comes any more', async () => {
  const { landed, begin, commit, landing } = paced(() => true);
  begin();
  commit();
  await vi.advanceTimersByTimeAsync(45);
  expect(landing.idle, 'cut').toBe(true);
  expect(landed.length).toBe(1);
});

test('a few wide rows of many tables are stored before they are a transaction: memory counts all tables at every row', async () => {
  const tables = Array.from({ length: 12 }, (_, i): CaptureEntry => {
    const columns = capturedTable([['body', OID.text]]);
    return { ...ENTRY, ...columns, table: `public.t${i}`, name: `t${i}`, oid: i + 1 };
  });
  const stored: string[] = [];
  const lake: LakeStore = {
    ...LAKE,
    putIfAbsent: async (key) => {
      stored.push(key);
      return 'stored';
    },
  };
  const { landing } = paced(() => false, tables, lake);
  landing.begin(32n, 1_700_000_000_000_000, 7);
  tables.forEach((table, ordinal) => {
    landing.change(table, 'i', ordinal, false, rowOf(['x'.repeat(100_000)]));
  });
  vi.useRealTimers();
  await vi.waitFor(() => expect(stored).toHaveLength(11));
  landing.close();
});
