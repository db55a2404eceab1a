// What is DuckDB's own about merging; what every engine does is in the conformance suite.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { change, INT, TEXT, testEntry } from '../change-files.ts';
import { inOrder } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();

test('change files leave nothing behind in memory once they are merged', async () => {
  const entry = testEntry('cached.docs', { id: INT }, ['id']);
  await warehouse.goLive('cached', 100, entry, [{ id: '1' }]);
  await warehouse.merge('cached', 200, {
    tables: [await warehouse.changes(entry, [change('i', 150, 0, { id: '3' })])],
  });
  const cached = `select memory_usage_bytes::INTEGER as bytes from duckdb_memory() where tag = 'EXTERNAL_FILE_CACHE'`;
  expect(await warehouse.rows(cached)).toEqual([{ bytes: 0 }]);
});

test('of more changes than DuckDB handles at once, the last of each key wins', async () => {
  const entry = testEntry('many.docs', { id: INT, doc: TEXT }, ['id']);
  const ids = Array.from({ length: 1_000 }, (_, id) => `${id}`);
  const doc = (id: string, round: number) => ({ id, doc: `${id} in ${round}` });
  await warehouse.goLive(
    'many',
    100,
    entry,
    ids.filter((id) => Number(id) % 2 === 0).map((id) => doc(id, 0)),
  );
  const rounds = [1, 2, 3].flatMap((round) => ids.map((id, i) => change('u', 100 + round, i, doc(id, round))));
  const deletes = ids.slice(0, 10).map((id, i) => change('d', 104, i, { id, doc: null }));
  await warehouse.merge('many', 200, { tables: [await warehouse.changes(entry, [...rounds, ...deletes])] });
  expect(await warehouse.contents(entry)).toEqual(inOrder(ids.slice(10).map((id) => doc(id, 3))));
});

test('a table whose name, or one of whose columns, differs from another only in case is paused, naming both', async () => {
  await warehouse.goLive('twin', 100, testEntry('twin.docs', { id: INT }, ['id']), []);
  const table = await warehouse.merge('twin', 120, { begins: [placed(testEntry('twin.DOCS', { id: INT }, ['id']))] });
  expect(table.paused).toMatchObject([{ table: 'twin.DOCS', code: 'NAME_COLLISION' }]);
  expect(table.paused[0]?.reason).toContain('twin.docs');
  const columns = testEntry('twin.columns', { Id: INT, id: INT }, ['id']);
  const second = await warehouse.merge('twin', 130, { begins: [placed(columns)] });
  expect(second.paused).toMatchObject([{ table: 'twin.columns', code: 'NAME_COLLISION' }]);
});

test.each(['_walflow', 'Information_Schema', 'pg_catalog'])('schema %s is not a source’s to fill', async (schema) => {
  const entry = testEntry(`${schema}.version`, { id: INT }, ['id']);
  const outcome = await warehouse.merge(`in${schema.toLowerCase()}`, 100, { begins: [placed(entry)] });
  expect(outcome.paused).toMatchObject([{ code: 'NAME_COLLISION', reason: expect.stringContaining('reserved') }]);
});

test.each([
  ['the warehouse file', 'warehouse'],
  ["DuckDB's own databases", 'memory'],
  ["DuckDB's first schema", 'main'],
])('a table may lie in a schema named like %s', async (_, schema) => {
  const entry = testEntry(`${schema}.docs`, { id: INT, note: TEXT }, ['id']);
  await warehouse.goLive(schema, 100, entry, [{ id: '1', note: 'old' }]);
  const outcome = await warehouse.merge(schema, 120, {
    tables: [await warehouse.changes(entry, [change('u', 110, 0, { id: '1', note: 'new' })])],
  });
  expect(outcome.paused).toEqual([]);
  const limits = { maxRows: 10, maxBytes: 1000, timeoutMs: 1000 };
  const asked = await warehouse.port.query(`select note from ${schema}.docs where id = 1`, [], limits);
  expect(asked.rows).toEqual([['new']]);
  expect((await warehouse.port.rowCounts(schema)).get(`${schema}.docs`)).toBe(1);
});

test('a table stays beside another whose name differs in the case of a letter outside ASCII, or in the place of a dot', async () => {
  const entries = ['fold.Äb', 'fold.äb', 'FOLD.ÄB'].map((table) =>
    testEntry(table, { id: INT, Éa: TEXT, éa: TEXT }, ['id']),
  );
  const dotted = { ...testEntry('fold.x', { id: INT }, ['id']), table: 'fold.a%2Eb', name: 'a.b' };
  const places = { ...testEntry('fold.y', { id: INT }, ['id']), table: 'fold%2Ea.b', schema: 'fold.a', name: 'b' };
  const row = { id: '1', Éa: 'upper', éa: 'lower' };
  const loads = entries.slice(0, 2).map((entry) => warehouse.load(entry, [change('r', 1, 0, row)], []));
  const outcome = await warehouse.merge('fold', 120, {
    begins: [...entries, dotted, places].map(placed),
    loads: await Promise.all(loads),
  });
  expect(outcome.paused).toMatchObject([{ table: 'FOLD.ÄB', code: 'NAME_COLLISION' }]);
  for (const entry of entries.slice(0, 2)) expect(await warehouse.contents(entry)).toEqual([row]);
});

class SmallWarehouse extends TestWarehouse {
  override get options() {
    return { ...super.options, memoryLimit: '40MB' };
  }
}

const small = new SmallWarehouse().forFile();

test('a table whose changes do not fit into the memory is paused when its manifest comes alone; readers give way, the other tables go on', async () => {
  const [large, other] = ['memory.large', 'memory.other'].map((table) =>
    testEntry(table, { id: INT, doc: TEXT }, ['id']),
  );
  if (large === undefined || other === undefined) throw new Error('two tables');
  await small.goLive('memory', 100, large, []);
  await small.goLive('memory', 110, other, [{ id: '1', doc: 'old' }]);
  const rows = Array.from({ length: 10 }, (_, id) =>
    change('i', 120, id, { id: `${id}`, doc: `${id}`.repeat(4_000_000) }),
  );
  const plan = await small.plan('memory', 130, {
    tables: [
      await small.changes(large, rows),
      await small.changes(other, [change('u', 125, 0, { id: '1', doc: 'new' })]),
    ],
  });
  const several = { ...plan, next: { ...plan.next, seq: plan.next.seq + 1 } };
  const limits = { maxRows: 10, maxBytes: 1000, timeoutMs: 60_000 };
  const reading = small.port.query('select sum(a.range * b.range) from range(1000000000) a, range(9) b', [], limits);
  const ended = expect(reading).rejects.toMatchObject({ code: 'QUERY_BUSY' });
  await sleep(500);
  await expect(small.mergePlan(several)).rejects.toMatchObject({ code: 'WAREHOUSE_OUT_OF_MEMORY' });
  await ended;
  const outcome = await small.mergePlan(plan);
  expect(outcome).toMatchObject({ paused: [{ table: 'memory.large', code: 'WAREHOUSE_OUT_OF_MEMORY' }] });
  expect(await small.contents(other)).toEqual([{ id: '1', doc: 'new' }]);
});
