// A merge activity's session from the lake's files to the warehouse's rows: what it fetches, how often, and what becomes of a
// file that cannot be read.

import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { encodeSnapshotComplete } from '../../activities/lake/manifest-codec.ts';
import { snapshotCompleteKey } from '../../activities/lake/object-key.ts';
import { MergeSession } from '../../activities/merging/session.ts';
import type { PipelineResources, WarehouseResources } from '../../activities/resources.ts';
import { buildAssetGraph } from '../../workflows/model/asset/graph.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import {
  type CaptureEntry,
  type DataFile,
  FIRST_FORMAT_VERSION,
  type Manifest,
  type ManifestTable,
} from '../../workflows/model/manifest.ts';
import { following, SAMPLE, withInline } from '../lake/sample-manifest.ts';
import { MemoryLake } from '../support/memory-lake.ts';
import { INT, TEXT, type TestChange, testEntry } from '../warehouse/change-files.ts';
import { TestWarehouse } from '../warehouse/duckdb/warehouse.ts';

/** So few rows that the second manifest is a window of its own. */
const MERGE = { maxRows: 4, maxBytes: 1_000_000_000, lingerMs: 0, pollMs: 1 };
/** The transaction that brought the last shape: the second copy holds what it did. */
const RESHAPED = 130;
const warehouse = TestWarehouse.forFile();

/** Before, and again at the end: `doc`. In between: no `doc`, but `size`. */
const shapeA = (schema: string, snapshotId = 'snapshot-1', r0 = 0): CaptureEntry => ({
  ...testEntry(`${schema}.docs`, { id: INT, doc: TEXT }, ['id']),
  schemaVersion: 'a',
  snapshot: { id: snapshotId, r0Lsn: lsnToHex(BigInt(r0)), fromSeq: 1 },
});
const shapeB = (schema: string): CaptureEntry => ({
  ...testEntry(`${schema}.docs`, { id: INT, size: INT }, ['id']),
  schemaVersion: 'b',
});
const other = (schema: string) => testEntry(`${schema}.other`, { id: INT }, ['id']);

const insert = (lsn: number, row: TestChange['row']): TestChange => ({ op: 'i', lsn, ordinal: 0, row });

const asIs = (manifest: Manifest) => manifest;
const inside = (manifest: Manifest) => withInline(manifest, (key) => readFileSync(warehouse.writer.pathOf({ key })));

/** Two live tables, and one window to come: `docs` as A, then as B, then as A again, and a row for the other table. */
async function mixedLog(
  schema: string,
  capture: Manifest['capture'] = null,
  place: (one: Manifest) => Manifest = asIs,
) {
  const write = (entry: CaptureEntry, ...changes: TestChange[]) => warehouse.writer.write(entry, changes);
  const [docs, side] = [shapeA(schema), other(schema)];
  const first = await write(docs, insert(110, { id: '3', doc: 'of A' }));
  const between = await write(shapeB(schema), insert(120, { id: '4', size: '4' }));
  const again = await write(
    docs,
    insert(RESHAPED, { id: '5', doc: 'of A again' }),
    insert(140, { id: '6', doc: 'behind the copy' }),
  );
  const aside = await write(side, insert(111, { id: '1' }));
  const begin: Manifest = { ...SAMPLE, tables: [], truncates: [], capture: [docs, side] };
  const window = following(begin, {
    capture,
    tables: [
      { table: docs.table, schemaVersion: 'a', files: [first, again] },
      { table: docs.table, schemaVersion: 'b', files: [between] },
      { table: side.table, schemaVersion: side.schemaVersion, files: [aside] },
    ],
  });
  const lake = new MemoryLake([begin, place(window)]);
  for (const { key } of [first, between, again, aside]) lake.dataFiles.set(key, warehouse.writer.pathOf({ key }));
  for (const entry of [docs, side]) completeCopy(lake, entry, []);
  return { lake, last: window, keys: { first: first.key, between: between.key, again: again.key, aside: aside.key } };
}

function completeCopy(lake: MemoryLake, entry: CaptureEntry, chunks: readonly DataFile[]): void {
  const { id, r0Lsn } = entry.snapshot;
  for (const { key } of chunks) lake.dataFiles.set(key, warehouse.writer.pathOf({ key }));
  const complete = encodeSnapshotComplete({
    ...{ formatVersion: FIRST_FORMAT_VERSION, table: entry.table, id, r0Lsn, endLsn: lsnToHex(150n) },
    rows: chunks.reduce((rows, chunk) => rows + chunk.rows, 0),
    files: chunks.map(({ key, rows, bytes, sha256 }) => ({ key, rows, bytes, sha256 })),
  });
  lake.put(snapshotCompleteKey(entry, id), complete.bytes);
}

type Warning = Readonly<Record<string, unknown>>;

/** A session that has started, and what it will say to the operator. */
async function startedSession(pipeline: string, lake: MemoryLake) {
  const warnings: Warning[] = [];
  const resources = {
    ...{
      pipelines: new Map([[pipeline, {}]]),
      warehouse: warehouse.port,
      graph: buildAssetGraph([], new Set()),
      spoolFolder: warehouse.spool,
    },
    doorbell: { landed: () => {}, changed: () => {} },
    log: { info: () => {}, warn: (fields: Warning) => warnings.push(fields) },
    telemetry: { merged: () => {}, pending: () => {}, assetRan: () => {} },
  } as unknown as WarehouseResources;
  const own = { name: pipeline, merge: MERGE, lake } as unknown as PipelineResources;
  const session = new MergeSession(resources, own, { workflowId: `merge/${pipeline}`, runId: 'run-1', attempt: 1 });
  await session.start([]);
  return { session, warnings };
}

/** Merges a whole log, window by window, each read ahead as the activity does; what was said to the operator. */
async function mergeAll(pipeline: string, lake: MemoryLake): Promise<readonly Warning[]> {
  const { session, warnings } = await startedSession(pipeline, lake);
  for (let window = await session.next(); window !== null; ) {
    const upcoming = session.next();
    expect(await session.merge(window)).toBe(true);
    window = await upcoming;
  }
  // A copy is looked for now and then.
  const loading = async () => Object.values(await statesOf(pipeline)).includes('loading');
  while (await loading()) if (!(await session.loadOnly())) await sleep(50);
  return warnings;
}

const contents = (schema: string) => warehouse.rows(`select id, doc from ${schema}.docs order by id`);
const statesOf = async (pipeline: string) =>
  Object.fromEntries((await warehouse.port.tables(pipeline)).map(({ table, state }) => [table, state]));

test('a live table takes the changes in its own shape, of files that are fetched once and not kept', async () => {
  const { lake, keys } = await mixedLog('own');
  expect(await mergeAll('own', lake)).toEqual([]);
  expect(await contents('own')).toEqual([
    { id: 3, doc: 'of A' },
    { id: 5, doc: 'of A again' },
    { id: 6, doc: 'behind the copy' },
  ]);
  expect([...lake.asked].sort()).toEqual([keys.first, keys.again, keys.aside].sort());
  expect(await readdir(join(warehouse.spool, 'own'))).toEqual([]);
});

test('the files of live tables are fetched when their window is read, before it is merged', async () => {
  const { lake, keys } = await mixedLog('ahead');
  const { session } = await startedSession('ahead', lake);
  const begin = await session.next();
  expect(await session.merge(begin ?? [])).toBe(true);
  expect(lake.asked).toEqual([]);
  await session.next();
  expect([...lake.asked].sort()).toEqual([keys.first, keys.again, keys.aside].sort());
});

test('a table whose columns went and came back loads its copy and what came behind it', async () => {
  const again = shapeA('back', 'snapshot-2', RESHAPED + 1);
  const { lake, keys } = await mixedLog('back', [again, other('back')]);
  // What the load does not need may be damaged.
  for (const key of [keys.first, keys.between]) lake.damaged.add(key);
  const copied: TestChange = { op: 'r', lsn: RESHAPED + 1, ordinal: 0, row: { id: '5', doc: 'copied' } };
  completeCopy(lake, again, [await warehouse.writer.write(again, [copied])]);
  expect(await mergeAll('back', lake)).toEqual([]);
  expect(await contents('back')).toEqual([
    { id: 5, doc: 'copied' },
    { id: 6, doc: 'behind the copy' },
  ]);
  expect(await readdir(join(warehouse.spool, 'back'))).toEqual([]);
});

test('a damaged file pauses its table, and the others of the window are merged', async () => {
  const { lake, keys } = await mixedLog('hurt');
  lake.damaged.add(keys.again);
  expect(await mergeAll('hurt', lake)).toMatchObject([{ table: 'hurt.docs', code: 'DATA_FILE_DAMAGED' }]);
  expect(await statesOf('hurt')).toEqual({ 'hurt.docs': 'paused', 'hurt.other': 'live' });
  expect(await contents('hurt')).toEqual([]);
  expect(await warehouse.rows('select id from hurt.other')).toEqual([{ id: 1 }]);
});

test('files that lie in their manifest are merged without a request of their own', async () => {
  const { lake } = await mixedLog('inside', null, inside);
  expect(await mergeAll('inside', lake)).toEqual([]);
  expect(await contents('inside')).toHaveLength(3);
  expect(await warehouse.rows('select id from inside.other')).toEqual([{ id: 1 }]);
  expect(lake.asked).toEqual([]);
  expect(await readdir(join(warehouse.spool, 'inside'))).toEqual([]);
});

test('a table that loads after its manifests were merged finds their files in them', async () => {
  const again = shapeA('late', 'snapshot-2', RESHAPED + 1);
  const { lake } = await mixedLog('late', [again, other('late')], inside);
  const { session, warnings } = await startedSession('late', lake);
  for (let window = await session.next(); window !== null; window = await session.next()) await session.merge(window);
  expect(await statesOf('late')).toMatchObject({ 'late.docs': 'loading' });
  const copied: TestChange = { op: 'r', lsn: RESHAPED + 1, ordinal: 0, row: { id: '5', doc: 'copied' } };
  const chunk = await warehouse.writer.write(again, [copied]);
  completeCopy(lake, again, [chunk]);
  while (!(await session.loadOnly())) await sleep(50);
  expect(await contents('late')).toEqual([
    { id: 5, doc: 'copied' },
    { id: 6, doc: 'behind the copy' },
  ]);
  expect({ asked: lake.asked, warnings }).toEqual({ asked: [chunk.key], warnings: [] });
  expect(await readdir(join(warehouse.spool, 'late'))).toEqual([]);
});

test('a damaged file in a manifest pauses its table, and the others of the manifest are merged', async () => {
  const { lake } = await mixedLog('torn', null, (manifest) => {
    const [docs, ...others] = inside(manifest).tables as [ManifestTable, ...ManifestTable[]];
    const files = docs.files.map((file) => ({ ...file, sha256: '0'.repeat(64) }));
    return { ...inside(manifest), tables: [{ ...docs, files }, ...others] };
  });
  expect(await mergeAll('torn', lake)).toMatchObject([{ table: 'torn.docs', code: 'DATA_FILE_DAMAGED' }]);
  expect(await statesOf('torn')).toEqual({ 'torn.docs': 'paused', 'torn.other': 'live' });
  expect(await warehouse.rows('select id from torn.other')).toEqual([{ id: 1 }]);
});

test('a damaged file of a shape the table no longer has concerns nobody', async () => {
  const { lake, keys } = await mixedLog('shape');
  lake.damaged.add(keys.between);
  expect(await mergeAll('shape', lake)).toEqual([]);
  expect(await contents('shape')).toHaveLength(3);
});

test('a damaged chunk pauses the table that was to be loaded', async () => {
  const again = shapeA('chunk', 'snapshot-2', RESHAPED + 1);
  const { lake } = await mixedLog('chunk', [again, other('chunk')]);
  const chunk = await warehouse.writer.write(again, [
    { op: 'r', lsn: RESHAPED + 1, ordinal: 0, row: { id: '5', doc: 'copied' } },
  ]);
  completeCopy(lake, again, [chunk]);
  lake.damaged.add(chunk.key);
  expect(await mergeAll('chunk', lake)).toMatchObject([{ table: 'chunk.docs', code: 'DATA_FILE_DAMAGED' }]);
  expect(await statesOf('chunk')).toEqual({ 'chunk.docs': 'paused', 'chunk.other': 'live' });
});

test('a table that is no longer captured is detached once, and loads again when it is captured again', async () => {
  const { lake, last } = await mixedLog('left', [other('left')]);
  expect(await mergeAll('left', lake)).toEqual([]);
  expect(await statesOf('left')).toEqual({ 'left.docs': 'detached', 'left.other': 'live' });
  const since = async () => (await warehouse.port.tables('left', 'left.docs')).map((table) => table.since);
  const first = await since();
  const without = following(last, { capture: [other('left')] });
  lake.append(without);
  await mergeAll('left', lake);
  expect(await since()).toEqual(first);
  const again = shapeA('left', 'snapshot-2', RESHAPED + 1);
  completeCopy(lake, again, []);
  lake.append(following(without, { capture: [again, other('left')] }));
  expect(await mergeAll('left', lake)).toEqual([]);
  expect(await statesOf('left')).toEqual({ 'left.docs': 'live', 'left.other': 'live' });
});

test('a window that is too large for the memory is merged manifest by manifest', async () => {
  const docs = shapeA('split');
  const file = async (lsn: number, id: string) => [await warehouse.writer.write(docs, [insert(lsn, { id, doc: id })])];
  const begin: Manifest = { ...SAMPLE, tables: [], truncates: [], capture: [docs] };
  const of = (files: readonly DataFile[]) => ({
    tables: [{ table: docs.table, schemaVersion: 'a', files }],
    truncates: [],
  });
  const first = following(begin, of(await file(160, '1')));
  const second = following(first, of(await file(170, '2')));
  const lake = new MemoryLake([begin, first, second]);
  for (const { tables } of [first, second]) {
    for (const { key } of tables.flatMap(({ files }) => files)) {
      lake.dataFiles.set(key, warehouse.writer.pathOf({ key }));
    }
  }
  completeCopy(lake, docs, []);
  const steps: number[] = [];
  const merge = warehouse.port.merge.bind(warehouse.port);
  const narrow = vi.spyOn(warehouse.port, 'merge').mockImplementation(async (plan, source) => {
    const manifests = plan.next.seq - plan.expected.seq;
    if (manifests > 1) throw new WalflowError('WAREHOUSE_OUT_OF_MEMORY', 'too much');
    steps.push(manifests);
    return await merge(plan, source);
  });
  const { session } = await startedSession('split', lake);
  const window = (await session.next()) ?? [];
  expect(window.length).toBeGreaterThan(1);
  expect(await session.merge(window)).toBe(true);
  expect(steps).toEqual(window.map(() => 1));
  narrow.mockRestore();
  expect(await warehouse.port.watermark('split')).toMatchObject({ seq: window.length });
});
