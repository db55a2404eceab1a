import { expect, test } from 'vitest';
import { qualified } from '../../../activities/warehouse/duckdb/identifier.ts';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { INT, testEntry } from '../change-files.ts';
import { TestWarehouse } from './warehouse.ts';

/** More than DuckDB takes in one statement. */
const TABLES = 1_200;
const warehouse = TestWarehouse.forFile();

test('more tables than one statement can name are begun together and counted', { timeout: 60_000 }, async () => {
  const entries = Array.from({ length: TABLES }, (_, i) => testEntry(`public.t${i}`, { id: INT }, ['id']));
  await warehouse.merge('shop', 100, { begins: entries.map(placed) });
  expect(await warehouse.port.tables('shop')).toHaveLength(TABLES);
  await warehouse.owner.use(async (session) => {
    session.queue('create schema if not exists public');
    for (const [i, entry] of entries.entries()) {
      session.queue(`create table ${qualified(entry)} as select * from range(${i % 7})`);
    }
    await session.runQueued();
  });
  const counts = await warehouse.port.rowCounts('shop');
  expect(entries.map(({ table }) => counts.get(table))).toEqual(entries.map((_, i) => i % 7));
});

test('a count holds until a merge changes its table', async () => {
  const [a, b] = [testEntry('counted.a', { id: INT }, ['id']), testEntry('counted.b', { id: INT }, ['id'])];
  await warehouse.goLive('counts', 100, a, [{ id: '1' }]);
  await warehouse.goLive('counts', 110, b, [{ id: '1' }]);
  const counts = async () => [...(await warehouse.port.rowCounts('counts')).values()];
  expect(await counts()).toEqual([1, 1]);
  await warehouse.owner.use((session) => session.run('delete from counted.a; delete from counted.b'));
  expect(await counts()).toEqual([1, 1]);
  await warehouse.goLive('counts', 120, a, [{ id: '2' }, { id: '3' }]);
  expect(await counts()).toEqual([2, 1]);
});
