import { expect, test } from 'vitest';
import { declarationOf } from '../../../activities/warehouse/duckdb/assets/declaration.ts';
import { plannedChanges } from '../../../workers/cli/plan-changes.ts';
import type { LoadedAsset } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { INT, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const orders = testEntry('public.orders', { id: INT, placed: TIMESTAMPTZ }, ['id']);

const byDay: LoadedAsset = {
  key: 'a/by_day',
  deps: [{ key: 'shop/public.orders', by: 'placed' }],
  partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
  sql: 'select {start} as day, count(*) as n from {shop/public.orders} where placed >= {start} and placed < {end}',
};
const whole: LoadedAsset = { key: 'a/whole', deps: ['v/orders'], sql: 'select count(*) as n from {v/orders}' };
const view: LoadedAsset = {
  kind: 'view',
  key: 'v/orders',
  deps: ['shop/public.orders'],
  sql: 'from {shop/public.orders}',
};

const graphOf = (assets: readonly LoadedAsset[]) => buildAssetGraph(assets, new Set(['shop']));

async function planOf(...assets: readonly LoadedAsset[]) {
  const wanted = graphOf(assets).made.map((asset) => ({ ...declarationOf(asset), partitions: null }));
  const changes = plannedChanges(wanted, await warehouse.port.declarations());
  return changes.map(({ asset, change, partitions }) => [asset, change, partitions]);
}

test('a warehouse tells what it would do with a changed configuration, and is as it was', async () => {
  await warehouse.goLive('shop', 100, orders, [
    { id: '1', placed: '2026-01-05 10:00:00+00' },
    { id: '2', placed: '2026-01-06 10:00:00+00' },
  ]);
  expect(await planOf(byDay, view)).toEqual([
    ['a/by_day', 'create', null],
    ['v/orders', 'create', null],
  ]);
  const graph = graphOf([byDay, view, whole]);
  await warehouse.port.declareAssets(graph.derived, NOW);
  await warehouse.port.declareViews(graph.views);
  // Searched for partitions, of which there are none yet: that is no partition.
  expect((await warehouse.port.declarations()).map(({ partitions }) => partitions)).toEqual([0, 0, 0]);
  for (const asset of graph.derived) {
    await warehouse.port.materialize({ asset, run: { workflowId: 'w', runId: asset.key, attempt: 1 } });
  }
  expect(await planOf(byDay, view, whole)).toEqual([]);
  const before = await warehouse.port.declarations();
  expect(
    await planOf({ ...byDay, sql: `${byDay.sql} and id > 0` }, { ...view, sql: `${view.sql} where id > 0` }, whole),
  ).toEqual([
    ['a/by_day', 'stale', 2],
    ['v/orders', 'replace', null],
    ['a/whole', 'stale', 1],
  ]);
  expect(await planOf({ ...byDay, partitions: { kind: 'monthly', start: '2026-01', output: 'day' } }, view)).toEqual([
    ['a/by_day', 'rebuild', 2],
    ['a/whole', 'drop', 1],
  ]);
  expect(await warehouse.port.declarations()).toEqual(before);
});
