import { beforeEach, describe, expect, test } from 'vitest';
import type { LoadedAsset } from '../../../workflows/model/asset/definition.ts';
import { type AssetGraph, buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { INT, TEXT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { RunLab } from './run-lab.ts';
import { TestWarehouse } from './warehouse.ts';

const LIMITS = { maxRows: 100, maxBytes: 1_000_000, timeoutMs: 20_000 };
const orders = testEntry('public.orders', { id: INT, placed: TIMESTAMPTZ, note: TEXT }, ['id']);
const rates = testEntry('public.rates', { id: INT, rate: INT }, ['id']);

const warehouse = TestWarehouse.forFile();
let graph: AssetGraph;
let lsn = 1_000;
let runs = 0;

const staged: LoadedAsset = {
  kind: 'view',
  key: 'staging/orders',
  deps: ['shop/public.orders', 'shop/public.rates'],
  sql: 'select o.id, placed as ordered_at, note, rate from {shop/public.orders} o cross join {shop/public.rates}',
};
const above: LoadedAsset = {
  kind: 'view',
  key: 'staging/above',
  deps: ['staging/orders'],
  sql: 'select * from {staging/orders} where id > 0',
};
const byDay: LoadedAsset = {
  key: 'sales/by_day',
  deps: [{ key: 'staging/above', by: { ordered_at: 'shop/public.orders.placed' } }],
  partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
  sql: 'select {start} as day, count(*) as n from {staging/above} where ordered_at >= {start} and ordered_at < {end}',
};

async function declare(...assets: readonly LoadedAsset[]): Promise<void> {
  graph = buildAssetGraph(assets, new Set(['shop']));
  await warehouse.port.declareAssets(graph.derived, NOW);
  await warehouse.port.declareViews(graph.views);
}

const query = async (sql: string) => (await warehouse.port.query(sql, [], LIMITS)).rows;
const states = async () => Object.fromEntries(await warehouse.port.viewStates());
const due = async () => (await warehouse.port.dueAssets(graph.derived)).map(({ asset }) => asset);
const stale = async (key: string) => await warehouse.partitionsIn(graph.asset(key), 'stale');
const viewsThere = async () =>
  (
    await warehouse.rows<{ name: string }>(
      `select schema_name || '.' || view_name as name from duckdb_views() where not internal order by 1`,
    )
  ).map(({ name }) => name);
const materialize = async (key: string) => {
  runs += 1;
  const run = { workflowId: 'materialize/x', runId: `run-${runs}`, attempt: 1 };
  return (await warehouse.port.materialize({ asset: graph.asset(key), run })).records;
};
async function change(entry: typeof orders, list: readonly TestChange[]): Promise<void> {
  lsn += 10;
  await warehouse.merge('shop', lsn, {
    tables: [await warehouse.changes(entry, list)],
    readers: graph.readersOfPipeline('shop'),
  });
}
const order = (id: number, day: string, op: TestChange['op'] = 'i'): TestChange => ({
  ...{ op, lsn: lsn + 1, ordinal: id },
  row: { id: String(id), placed: `${day} 10:00:00+00`, note: 'x' },
});

test('a view waits for its tables, and what reads it waits for the view', async () => {
  await declare(staged, above, byDay);
  expect(await states()).toEqual({ 'staging/orders': { state: 'missing' }, 'staging/above': { state: 'missing' } });
  await warehouse.goLive('shop', 100, orders, [
    { id: '1', placed: '2026-01-05 10:00:00+00', note: 'x' },
    { id: '2', placed: '2026-01-06 10:00:00+00', note: 'y' },
  ]);
  expect(await viewsThere()).toEqual([]);
  expect(await due()).toEqual([]);
  await warehouse.goLive('shop', 200, rates, [{ id: '1', rate: '7' }]);
  expect(await states()).toEqual({ 'staging/orders': { state: 'current' }, 'staging/above': { state: 'current' } });
  expect(await query('select id, rate from staging.above order by id')).toEqual([
    [1, 7],
    [2, 7],
  ]);
  expect(await due()).toEqual(['sales/by_day']);
});

describe('what reads a view', () => {
  beforeEach(async () => {
    await declare(staged, above, byDay);
    await materialize('sales/by_day');
  });

  test('records the positions of its tables, and that of the view', async () => {
    const [record] = await warehouse.port.materializations('sales/by_day', { limit: 1 });
    const inputs = record?.inputs.map(({ asset, seqTo }) => [asset, seqTo]);
    const { seq } = await warehouse.port.watermark('shop');
    expect(inputs).toEqual(['shop/public.orders', 'shop/public.rates', 'staging/above'].map((key) => [key, seq]));
  });

  test('is due by partitions when rows of the table change that its column is of', async () => {
    await change(orders, [order(1, '2026-01-08', 'u')]);
    expect(await stale('sales/by_day')).toEqual(['2026-01-05']);
    expect((await materialize('sales/by_day')).map(({ partition }) => partition)).toEqual(['2026-01-05', '2026-01-08']);
  });

  test('is due as a whole when another table changes', async () => {
    await change(rates, [{ op: 'u', lsn: lsn + 1, ordinal: 0, row: { id: '1', rate: '8' } }]);
    expect(await stale('sales/by_day')).toContain('2026-01-06');
    expect(await stale('sales/by_day')).toEqual(await allDays());
  });

  test('is due when the code of the view changes, also of one behind it, and reads the new one', async () => {
    await declare({ ...staged, sql: `${staged.sql} where o.id <> 2` }, above, byDay);
    expect(await stale('sales/by_day')).toEqual(await allDays());
    await materialize('sales/by_day');
    expect(await query('select count(*)::int from staging.above where id = 2')).toEqual([[0]]);
    await declare(staged, above, { ...byDay, description: 'x' });
    expect(await due()).toEqual(['sales/by_day']);
  });

  const allDays = async () =>
    (await warehouse.port.partitions(graph.asset('sales/by_day'), { limit: 100 })).map(({ partition }) => partition);
});

describe('a view', () => {
  const on = (more: Partial<LoadedAsset>): LoadedAsset => ({
    ...{ kind: 'view', key: 'staging/one', deps: ['shop/public.orders'], sql: 'from {shop/public.orders}' },
    ...more,
  });

  test('is dropped when it is not declared any more, and moves with its name', async () => {
    await declare(staged, above);
    await declare(on({}));
    expect(await viewsThere()).toEqual(['staging.one']);
    await declare(on({ table: 'other.place' }));
    expect(await viewsThere()).toEqual(['other.place']);
    await declare();
    expect(await viewsThere()).toEqual([]);
    expect(await warehouse.rows(`select * from _walflow.assets where reads like '%view%'`)).toEqual([]);
  });

  test('takes the place of the table that it was before, and gives it back', async () => {
    const { kind: _, ...table } = on({ key: 'staging/kind' });
    await declare(table);
    await materialize('staging/kind');
    await declare(on({ key: 'staging/kind' }));
    expect(await viewsThere()).toEqual(['staging.kind']);
    await declare(table);
    expect(await viewsThere()).toEqual([]);
    expect(await materialize('staging/kind')).toHaveLength(1);
    await declare();
    expect(await query('select count(*) > 0 from staging.kind')).toEqual([[true]]);
  });

  test('never takes the place of a table that is not its own', async () => {
    await declare(on({ key: 'public/rates' }));
    expect(await states()).toMatchObject({
      'public/rates': { state: 'failed', reason: expect.stringContaining('Table') },
    });
    expect(await query('select count(*)::int from public.rates')).toEqual([[1]]);
  });

  test('whose SQL is wrong is none, says why, and is tried again when its tables have other columns', async () => {
    const base = (sql: string): LoadedAsset => ({ key: 'staging/base', deps: ['shop/public.orders'], sql });
    const reader = on({ key: 'staging/reader', deps: ['staging/base'], sql: 'select extra from {staging/base}' });
    await declare(base('select id from {shop/public.orders}'), reader);
    await materialize('staging/base');
    expect(await states()).toMatchObject({
      'staging/reader': { state: 'failed', reason: expect.stringContaining('extra') },
    });
    expect(await viewsThere()).toEqual([]);
    await declare(base('select id, 1 as extra from {shop/public.orders}'), reader);
    await materialize('staging/base');
    expect(await states()).toEqual({ 'staging/reader': { state: 'current' } });
    await declare(base('select id from {shop/public.orders}'), reader);
    await materialize('staging/base');
    expect(await states()).toMatchObject({ 'staging/reader': { state: 'failed' } });
  });

  test('is known again after a restart', async () => {
    await declare(on({}));
    await warehouse.close();
    await warehouse.open();
    await declare(on({}));
    expect(await states()).toEqual({ 'staging/one': { state: 'current' } });
    expect(await query(`select lpad(note, 3, 'z') from staging.one where id = 1`)).toEqual([['zzx']]);
  });

  test.each([
    ['reads a file', `select * from read_csv('/etc/passwd')`, 'table function read_csv'],
    ['names a file', `from 'a.csv'`, 'looks like a file'],
    ['runs text as SQL', `select * from query('select 1')`, 'query'],
    ['changes something', 'drop table public.orders', 'QUERY'],
    ['reads what it does not declare', 'from public.rates', 'reads public.rates, which is not in deps'],
    ['reads the catalog', 'select * from duckdb_tables()', 'may not ask which tables there are'],
    ['reads walflow’s own tables', 'from _walflow.ledger', 'which is not in deps'],
  ])('that %s is refused', async (_, sql, reason) => {
    await declare(on({ sql: `${sql} -- {shop/public.orders}` }));
    expect(await viewsThere()).toEqual([]);
    const { state, reason: why } = (await states())['staging/one'] ?? {};
    expect(state).toBe('failed');
    if (reason !== 'QUERY') expect(why).toContain(reason);
  });

  test('may have names of its own that are those of other tables', async () => {
    await declare(on({ sql: 'with rates as (from {shop/public.orders}) select count(*) as n from rates' }));
    expect(await states()).toEqual({ 'staging/one': { state: 'current' } });
  });

  test('counts as a part of the query that names it: one that could grow is answered apart', async () => {
    await declare(on({ sql: `select id, repeat(note, 3) as long from {shop/public.orders}` }), {
      ...on({ key: 'staging/two', deps: ['staging/one'], sql: 'select * from {staging/one}' }),
    });
    expect(await query('select id, long from staging.two order by id limit 1')).toEqual([[1, 'xxx']]);
    await declare(on({ sql: `select repeat(note, 1000000000) as long from {shop/public.orders}, range(100)` }));
    await expect(query('select sum(length(long)) from staging.one')).rejects.toMatchObject({
      code: expect.stringMatching(/^QUERY_(TOO_LARGE|TIMEOUT)$/),
    });
  });
});

test('a run computes a table, then what reads a view over it', async () => {
  const lab = new RunLab(warehouse);
  const over: LoadedAsset = {
    ...{ kind: 'view', key: lab.key('over'), deps: [lab.key('days')] },
    sql: `from {${lab.key('days')}}`,
  };
  await lab.declare(lab.byDay('days'), over, lab.above('count', 'over'));
  await lab.load('2026-01-05', '2026-01-06');
  expect(await lab.settle()).toEqual([['days', 'count']]);
  const { schema, name } = lab.of('count').place;
  expect(await query(`select n::int from ${schema}.${name}`)).toEqual([[2]]);
});
