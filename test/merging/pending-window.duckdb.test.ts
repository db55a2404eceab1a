// A window whose manifest holds several shapes of one table, from the lake's files to the warehouse's rows.

import { expect, test } from 'vitest';
import { encodeSnapshotComplete } from '../../activities/lake/manifest-codec.ts';
import { snapshotCompleteKey } from '../../activities/lake/object-key.ts';
import { changesOf, damageIn, readPending } from '../../activities/merging/pending-window.ts';
import { SnapshotLoads } from '../../activities/merging/snapshot-loads.ts';
import { WindowReader } from '../../activities/merging/window-reader.ts';
import type { ChangeFile } from '../../activities/warehouse/merge-plan.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import { type CaptureEntry, MANIFEST_FORMAT_VERSION, type Manifest } from '../../workflows/model/manifest.ts';
import { SAMPLE } from '../lake/sample-manifest.ts';
import { MemoryLake } from '../support/memory-lake.ts';
import { INT, TEXT, type TestChange, testEntry } from '../warehouse/duckdb/change-files.ts';
import { TestWarehouse } from '../warehouse/duckdb/warehouse.ts';

const BOUNDS = { maxRows: 1_000_000, maxBytes: 1_000_000_000 };
/** The transaction that brought the last shape: the copy holds what it did. */
const RESHAPED = 130;
const warehouse = TestWarehouse.forFile();

/** Before, and again at the end: `doc`. In between: no `doc`, but `size`. */
const shapeA = (schema: string, snapshotId?: string): CaptureEntry => ({
  ...testEntry(`${schema}.docs`, { id: INT, doc: TEXT }, ['id'], snapshotId),
  schemaVersion: 'a',
});
const shapeB = (schema: string): CaptureEntry => ({
  ...testEntry(`${schema}.docs`, { id: INT, size: INT }, ['id']),
  schemaVersion: 'b',
});

const insert = (lsn: number, row: TestChange['row']): TestChange => ({ op: 'i', lsn, ordinal: 0, row });

/** A log of one manifest: the table as A, then as B, then as A again. */
async function mixedLog(schema: string, capture: Manifest['capture']) {
  const [first, between, again] = [
    await warehouse.writer.write(shapeA(schema), [insert(110, { id: '3', doc: 'of A' })]),
    await warehouse.writer.write(shapeB(schema), [insert(120, { id: '4', size: '4' })]),
    await warehouse.writer.write(shapeA(schema), [
      insert(RESHAPED, { id: '5', doc: 'of A again' }),
      insert(140, { id: '6', doc: 'behind the copy' }),
    ]),
  ];
  const files = (...changes: readonly ChangeFile[]) => changes.map(({ file }) => file);
  const table = `${schema}.docs`;
  const lake = new MemoryLake([
    {
      ...SAMPLE,
      tables: [
        { table, schemaVersion: 'a', files: files(first, again) },
        { table, schemaVersion: 'b', files: files(between) },
      ],
      truncates: [],
      capture,
    },
  ]);
  for (const { file, path } of [first, between, again]) lake.dataFiles.set(file.key, path);
  const reader = new WindowReader(lake, BOUNDS, warehouse.spool);
  return { lake, reader, keys: { first: first.file.key, between: between.file.key, again: again.file.key } };
}

async function windowOf(reader: WindowReader) {
  const window = await readPending(reader);
  if (window === null) throw new Error('the log has a manifest');
  return window;
}

const contents = (schema: string) => warehouse.rows(`select id, doc from ${schema}.docs order by id`);

async function makeLive(schema: string): Promise<CaptureEntry> {
  const entry = shapeA(schema);
  const plain = { r0Lsn: lsnToHex(0n), chunkPaths: [], changeFiles: [], truncates: [] };
  await warehouse.merge(schema, 100, { begins: [entry], loads: [{ entry, ...plain }] });
  return entry;
}

test('a live table takes the changes in its own shape', async () => {
  const entry = await makeLive('own');
  const { reader } = await mixedLog('own', null);
  const changes = changesOf(await windowOf(reader), entry);
  expect(changes?.changeFiles).toHaveLength(2);
  const outcome = await warehouse.merge('own', 200, { tables: changes === null ? [] : [changes] });
  expect(outcome.paused).toEqual([]);
  expect(await contents('own')).toEqual([
    { id: 3, doc: 'of A' },
    { id: 5, doc: 'of A again' },
    { id: 6, doc: 'behind the copy' },
  ]);
});

test('a table whose columns went and came back loads its copy and what came behind it', async () => {
  const before = await makeLive('back');
  const entry: CaptureEntry = {
    ...shapeA('back', 'copy-2'),
    snapshot: { id: 'copy-2', r0Lsn: lsnToHex(BigInt(RESHAPED + 1)), fromSeq: 1 },
  };
  const { lake, reader, keys } = await mixedLog('back', [entry]);
  // What the load does not need may be damaged.
  for (const key of [keys.first, keys.between]) lake.damaged.add(key);
  const chunk = await warehouse.writer.write(entry, [
    { op: 'r', lsn: 131, ordinal: 0, row: { id: '5', doc: 'copied' } },
  ]);
  const { key, rows, bytes, sha256 } = chunk.file;
  lake.dataFiles.set(key, chunk.path);
  const { id, r0Lsn } = entry.snapshot;
  const complete = encodeSnapshotComplete({
    ...{ formatVersion: MANIFEST_FORMAT_VERSION, table: entry.table, id, r0Lsn, endLsn: lsnToHex(150n), rows },
    files: [{ key, rows, bytes, sha256 }],
  });
  lake.put(snapshotCompleteKey(entry, id), complete.bytes);
  const window = await windowOf(reader);
  const loads = new SnapshotLoads(lake, reader);
  const ready = await loads.ready([entry], lsnToHex(200n), 0);
  const planned = await loads.plans(ready, 1, window.manifests);
  expect(planned.damaged).toEqual([]);
  expect(damageIn(window, before), 'the shape it had is asked of the table that had it').not.toBeNull();
  await warehouse.merge('back', 200, { begins: [entry], loads: planned.loads });
  expect(await contents('back')).toEqual([
    { id: 5, doc: 'copied' },
    { id: 6, doc: 'behind the copy' },
  ]);
});

test('a damaged file concerns the table as it was then, and no other shape', async () => {
  const { lake, reader, keys } = await mixedLog('hurt', null);
  lake.damaged.add(keys.between);
  const window = await windowOf(reader);
  expect(damageIn(window, shapeA('hurt'))).toBeNull();
  expect(damageIn(window, shapeB('hurt'))).toMatchObject({ table: 'hurt.docs', code: 'DATA_FILE_DAMAGED' });
});
