import { beforeEach, expect, test, vi } from 'vitest';
import { encodeSnapshotComplete, encodeSnapshotFailure } from '../../activities/lake/manifest-codec.ts';
import { inlineKey, manifestKey, snapshotCompleteKey, snapshotFailedKey } from '../../activities/lake/object-key.ts';
import { SnapshotLoads } from '../../activities/merging/snapshot-loads.ts';
import { type CaptureEntry, FIRST_FORMAT_VERSION, type Manifest } from '../../workflows/model/manifest.ts';
import { following, SAMPLE } from '../lake/sample-manifest.ts';
import { inlineLogOf, logOf, MemoryLake } from '../support/memory-lake.ts';

const MANIFESTS = 100;
const [entry] = SAMPLE.capture as readonly [CaptureEntry];

let lake: MemoryLake;
let loads: SnapshotLoads;

/** The copy of the sample's table is whole; every change at or after `r0Lsn` belongs onto it. */
function open(manifests: readonly Manifest[], r0Lsn = SAMPLE.startLsn): void {
  lake = new MemoryLake(manifests);
  loads = new SnapshotLoads(lake);
  const copy = { table: entry.table, id: entry.snapshot.id, r0Lsn, endLsn: SAMPLE.endLsn, rows: 0, files: [] };
  const complete = encodeSnapshotComplete({ formatVersion: FIRST_FORMAT_VERSION, ...copy });
  lake.put(snapshotCompleteKey(entry, entry.snapshot.id), complete.bytes);
}

async function plansBefore(seq: number) {
  return await loads.plans(await loads.ready([entry], SAMPLE.endLsn, 0), seq, []);
}

beforeEach(() => open(logOf(MANIFESTS)));

test('the files of a load come in the order of the log', async () => {
  const tables = (seq: number) =>
    SAMPLE.tables.map((one) => ({ ...one, files: one.files.map((file) => ({ ...file, key: `data/${seq}` })) }));
  const manifests = [SAMPLE];
  for (let last = SAMPLE; manifests.length < MANIFESTS; manifests.push(last))
    last = following(last, { tables: tables(last.seq + 1) });
  open(manifests);
  const { loads: planned } = await plansBefore(MANIFESTS + 1);
  const keys = planned[0]?.files.map(({ key }) => key) ?? [];
  expect(keys).toHaveLength(MANIFESTS);
  expect(keys.slice(1)).toEqual(Array.from({ length: MANIFESTS - 1 }, (_, i) => `data/${i + 2}`));
});

test('files inside manifests are named by a load, not held', async () => {
  open(inlineLogOf(MANIFESTS));
  for (const look of ['the first', 'a later one']) {
    const planned = (await plansBefore(MANIFESTS + 1)).loads[0]?.files ?? [];
    expect(
      planned.map(({ key }) => key),
      look,
    ).toEqual(Array.from({ length: MANIFESTS }, (_, i) => inlineKey(i + 1, 0)));
    expect(planned.filter((file) => 'inline' in file)).toEqual([]);
  }
});

test('a manifest that is gone stops the load: its changes would be missing for ever', async () => {
  lake.remove(manifestKey(40));
  await expect(plansBefore(MANIFESTS + 1)).rejects.toMatchObject({ code: 'LOG_BROKEN' });
});

test('of the files, those that end before the copy began are in its rows already and are not read', async () => {
  expect(await plansBefore(3)).toMatchObject({ loads: [{ files: [SAMPLE.tables[0]?.files[0], {}] }], damaged: [] });
  open(logOf(MANIFESTS), SAMPLE.endLsn);
  expect(await plansBefore(3)).toMatchObject({ loads: [{ files: [] }], damaged: [] });
});

test('a copy whose end cannot be read pauses its table', async () => {
  lake.put(snapshotCompleteKey(entry, entry.snapshot.id), Buffer.from('no JSON'));
  expect(await plansBefore(3)).toMatchObject({
    loads: [],
    damaged: [{ table: entry.table, code: 'MANIFEST_UNREADABLE' }],
  });
});

test('a copy that failed because of a row pauses its table with that reason, once', async () => {
  open(logOf(3));
  lake.remove(snapshotCompleteKey(entry, entry.snapshot.id));
  expect(await plansBefore(3)).toEqual({ loads: [], damaged: [] });
  const { table, snapshot } = entry;
  const failed = { code: 'VALUE_TOO_LARGE', reason: 'public.docs.body has a value of 600000000 bytes' };
  const { bytes } = encodeSnapshotFailure({
    ...{ formatVersion: FIRST_FORMAT_VERSION, table, id: snapshot.id },
    ...failed,
  });
  lake.put(snapshotFailedKey(entry, snapshot.id), bytes);
  loads = new SnapshotLoads(lake);
  expect(await plansBefore(3)).toEqual({ loads: [], damaged: [{ table, ...failed }] });
  expect(await plansBefore(3)).toEqual({ loads: [], damaged: [] });
});

test('of a thousand loading tables some are looked at each time, and each of them before long', async () => {
  const tables = Array.from({ length: 1_000 }, (_, i): CaptureEntry => {
    const id = `00000001-${(i * 7).toString(16).padStart(8, '0')}`;
    return { ...entry, table: `public.t${i}`, name: `t${i}`, snapshot: { ...entry.snapshot, id } };
  });
  const looked = vi.spyOn(lake, 'get');
  const seen = new Set<string>();
  const completeKeys = new Map(tables.map((table) => [snapshotCompleteKey(table, table.snapshot.id), table.table]));
  for (let look = 1; look <= 63; look++) {
    looked.mockClear();
    expect(await loads.ready(tables, SAMPLE.endLsn, look * 2_000)).toEqual([]);
    const keys = looked.mock.calls.flatMap(([key]) => completeKeys.get(key) ?? []);
    expect(keys.length).toBeLessThanOrEqual(32);
    for (const table of keys) seen.add(table);
  }
  expect(seen.size).toBe(tables.length);
});

/** Tables that one manifest began, whose snapshots are taken in this order. */
function tablesInOrder(count: number): CaptureEntry[] {
  return Array.from({ length: count }, (_, i): CaptureEntry => {
    const id = `00000001-${(i * 16).toString(16).padStart(8, '0')}`;
    return { ...entry, table: `public.t${i}`, name: `t${i}`, snapshot: { ...entry.snapshot, id, fromSeq: 1 } };
  });
}

function complete({ table, schema, name, snapshot }: CaptureEntry, bytes = 0): void {
  const files = [{ key: `${name}.parquet`, rows: 1, bytes, sha256: '0'.repeat(64) }];
  const copy = { table, id: snapshot.id, r0Lsn: SAMPLE.startLsn, endLsn: SAMPLE.endLsn, rows: 1, files };
  const { bytes: body } = encodeSnapshotComplete({ formatVersion: FIRST_FORMAT_VERSION, ...copy });
  lake.put(snapshotCompleteKey({ schema, name }, snapshot.id), body);
}

test('of tables that are taken in order, one look finds all that have ended', async () => {
  const tables = tablesInOrder(200);
  for (const table of tables.slice(0, 60)) complete(table);
  expect(await loads.ready(tables, SAMPLE.endLsn, 0)).toEqual(tables.slice(0, 60));
});

test('manifests are read once for all tables that load, also by later loads', async () => {
  const tables = tablesInOrder(50);
  for (const table of tables) complete(table);
  const ready = await loads.ready(tables, SAMPLE.endLsn, 0);
  const read = vi.spyOn(lake, 'get');
  const first = await loads.plans(ready.slice(0, 40), MANIFESTS + 1, []);
  const second = await loads.plans(ready.slice(40), MANIFESTS + 1, []);
  expect([first.loads.length, second.loads.length]).toEqual([40, 10]);
  expect(read).toHaveBeenCalledTimes(MANIFESTS);
});

test('of very many tables that can be loaded some are, so that others need not wait long', async () => {
  const tables = tablesInOrder(200);
  for (const table of tables) complete(table);
  expect(await loads.ready(tables, SAMPLE.endLsn, 0)).toEqual(tables.slice(0, 64));
});

test('of tables that are large together some are loaded at a time', async () => {
  const tables = tablesInOrder(4);
  for (const table of tables) complete(table, 33 * 1024 * 1024);
  expect(await loads.ready(tables, SAMPLE.endLsn, 0)).toEqual(tables.slice(0, 2));
});
