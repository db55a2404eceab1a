import { beforeEach, describe, expect, test } from 'vitest';
import { declarationOf } from '../../../activities/warehouse/duckdb/assets/declaration.ts';
import { plannedChanges } from '../../../workers/cli/plan-changes.ts';
import type { LoadedAsset } from '../../../workflows/model/asset/definition.ts';
import { type AssetGraph, buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { INT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const orders = testEntry('public.orders', { id: INT, placed: TIMESTAMPTZ }, ['id']);
const daily = { kind: 'daily', start: '2026-01-01', output: 'day' } as const;
const LIMITS = { maxRows: 100, maxBytes: 1_000_000, timeoutMs: 20_000 };

const base = (key: string): LoadedAsset => ({
  key,
  deps: [{ key: 'shop/public.orders', by: 'placed' }],
  partitions: daily,
  sql: 'select {start} as day, count(*) as n from {shop/public.orders} where placed >= {start} and placed < {end}',
});
/** Reads the base by partitions, and a view over it. */
const readers = (of: string): readonly LoadedAsset[] => [
  { kind: 'view', key: 'v/base', deps: [of], sql: `from {${of}}` },
  {
    key: 'up/by_day',
    deps: [of],
    partitions: daily,
    sql: `select day, n + 1 as m from {${of}} where day >= {start} and day < {end}`,
  },
  { key: 'up/whole', deps: ['v/base'], sql: 'select sum(n) as n from {v/base}' },
];

describe('an asset that has another key', () => {
  const warehouse = new TestWarehouse();
  const newest = () => warehouse.port.newestMaterializations();
  let graph: AssetGraph;
  let runs = 0;

  const declare = async (...assets: readonly LoadedAsset[]) => {
    graph = buildAssetGraph(assets, new Set(['shop']));
    await warehouse.port.declareAssets(graph.derived, NOW);
    await warehouse.port.declareViews(graph.views);
  };
  const planOf = async (...assets: readonly LoadedAsset[]) => {
    const wanted = buildAssetGraph(assets, new Set(['shop'])).made.map((asset) => ({
      ...{ ...declarationOf(asset), partitions: null },
      ...(asset.definition.previousKeys === undefined ? {} : { previousKeys: asset.definition.previousKeys }),
    }));
    const changes = plannedChanges(wanted, await warehouse.port.declarations());
    return changes.map(({ asset, change, partitions }) => [asset, change, partitions]);
  };
  const due = async () => (await warehouse.port.dueAssets(graph.derived)).map(({ asset }) => asset);
  const materializeAll = async () => {
    runs += 1;
    const made: unknown[] = [];
    for (const asset of graph.derived) {
      const run = { workflowId: 'w', runId: `run-${runs}`, attempt: 1 };
      const { records } = await warehouse.port.materialize({ asset, run });
      for (const { partition } of records) made.push([asset.key, partition]);
    }
    return made;
  };
  const change = async (list: readonly TestChange[]) =>
    await warehouse.merge('shop', 300, {
      tables: [await warehouse.changes(orders, list)],
      readers: graph.readersOfPipeline('shop'),
    });
  const renamed = { ...base('b/new'), previousKeys: ['old/first', 'a/old'] };

  warehouse.forFile();

  beforeEach(async () => {
    if (graph !== undefined) return;
    await declare(base('a/old'), ...readers('a/old'));
    await warehouse.goLive('shop', 100, orders, [
      { id: '1', placed: '2026-01-05 10:00:00+00' },
      { id: '2', placed: '2026-01-06 10:00:00+00' },
    ]);
    await materializeAll();
    expect(await due()).toEqual([]);
  });

  test('keeps rows, records and versions, and nothing is computed again, also not by its readers', async () => {
    const before = await warehouse.port.materializations('a/old', { limit: 10 });
    expect((await newest()).get('a/old')).toEqual(before[0]);
    // It was called so only since its last name.
    const wanted = [{ ...renamed, previousKeys: ['a/old'] }, ...readers('b/new')];
    expect(await planOf(...wanted)).toEqual([['b/new', 'rename', 2]]);
    await declare(...wanted);
    expect(await due()).toEqual([]);
    expect(await materializeAll()).toEqual([]);
    expect(await planOf(...wanted)).toEqual([]);
    expect(await warehouse.port.materializations('b/new', { limit: 10 })).toEqual(
      before.map((record) => ({ ...record, asset: 'b/new' })),
    );
    expect((await newest()).get('b/new')).toEqual({ ...before[0], asset: 'b/new' });
    expect((await warehouse.port.query('select count(*)::int from b.new', [], LIMITS)).rows).toEqual([[2]]);
    expect((await warehouse.port.query('select count(*)::int from v.base', [], LIMITS)).rows).toEqual([[2]]);
    await expect(warehouse.port.query('from a.old', [], LIMITS)).rejects.toMatchObject({ code: 'QUERY_INVALID' });
  });

  test('goes on as before: a changed row makes its partition due, and then that of its readers', async () => {
    await change([{ op: 'i', lsn: 250, ordinal: 0, row: { id: '3', placed: '2026-01-06 11:00:00+00' } }]);
    const known = await newest();
    expect(await materializeAll()).toEqual([
      ['b/new', '2026-01-06'],
      ['up/by_day', '2026-01-06'],
      ['up/whole', null],
    ]);
    expect((await newest()).get('b/new'), 'the newest is not the kept one').not.toEqual(known.get('b/new'));
    const [record] = await warehouse.port.materializations('up/by_day', { limit: 1 });
    expect(record?.inputs[0]).toMatchObject({ asset: 'b/new' });
    expect(record?.inputs[0]?.seqFrom).toBeGreaterThan(1);
  });

  test('is not taken for another one that is still there, and is due when its code changes too', async () => {
    const twin = base('a/old');
    await declare({ ...renamed, previousKeys: ['a/old'], sql: `${renamed.sql} and id > 0` }, twin, ...readers('b/new'));
    expect(await due()).toEqual(['b/new', 'a/old']);
  });

  test('takes the place of what an asset or view of its key has left, and not that of another table', async () => {
    const one = (key: string, n: number): LoadedAsset => ({ key, deps: [], sql: `select ${n} as n` });
    const n = async (table: string) => (await warehouse.port.query(`select n::int from ${table}`, [], LIMITS)).rows;
    await declare(one('r/left', 1), one('r/moved', 2), one('r/apart', 3));
    await materializeAll();
    await declare(one('r/moved', 2), one('r/apart', 3), {
      kind: 'view',
      key: 'r/seen',
      deps: [],
      sql: 'select 9 as n',
    });
    expect(await n('r.seen')).toEqual([[9]]);
    await warehouse.owner.use((session) => session.run('create table r.foreign as select 7 as n'));
    await declare(
      { ...one('r/left', 2), previousKeys: ['r/moved'] },
      { ...one('r/foreign', 3), previousKeys: ['r/apart'] },
    );
    expect(await n('r.left')).toEqual([[2]]);
    expect(await n('r.foreign')).toEqual([[7]]);
    expect(await due()).toEqual(['r/foreign']);
    await declare({ ...one('r/seen', 2), previousKeys: ['r/left'] });
    expect(await n('r.seen')).toEqual([[2]]);
    expect(await due()).toEqual([]);
  });
});
