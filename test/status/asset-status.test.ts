import { expect, test } from 'vitest';
import type { AssetFigures, DerivedState } from '../../activities/warehouse/asset-order.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { assetStatuses } from '../../workers/status/asset-status.ts';
import { graphView } from '../../workers/status/graph-view.ts';
import type { LoadedAsset } from '../../workflows/model/asset/definition.ts';
import { buildAssetGraph, type DerivedAsset } from '../../workflows/model/asset/graph.ts';
import { REVENUE, SHOP } from '../http/fake-backend.ts';

const asset = (key: string, deps: readonly string[], more: Partial<LoadedAsset> = {}): LoadedAsset => ({
  ...{ key, deps, sql: deps.map((dep) => `from {${dep}}`).join(' ') },
  ...more,
});

const graph = buildAssetGraph(
  [
    asset('stg/orders', ['shop/public.orders'], { owners: ['team:finance'], description: 'cleaned' }),
    asset('mart/revenue', ['stg/orders'], { tags: { tier: 'gold' } }),
    asset('mart/report', ['mart/revenue'], { deps: [{ key: 'mart/revenue', lookup: true }] }),
  ],
  new Set(['shop']),
  [
    {
      ...{ key: 'shop/public.orders', description: 'every order', owners: ['team:shop'] },
      freshnessLimits: { warnAfterMs: 0, failAfterMs: 3_600_000 },
    },
  ],
);

const DUE = '2026-11-24T17:00:00.000000Z';

const STATES: Readonly<Record<string, DerivedState>> = { 'stg/orders': 'current', 'mart/revenue': 'stale' };

/** `stg/orders` is current, `mart/revenue` is due, `mart/report` was never made. Nothing else of the warehouse is asked. */
const warehouse = {
  assetFigures: async (assets: readonly DerivedAsset[]): Promise<ReadonlyMap<string, AssetFigures>> =>
    new Map(
      assets.map(({ key }) => {
        const dueSince = key === 'stg/orders' ? null : DUE;
        return [key, { current: 1, stale: 0, missing: 0, state: STATES[key] ?? 'missing', dueSince }];
      }),
    ),
  checks: async () => [
    { ...{ asset: 'mart/revenue', name: 'key', severity: 'error', blocking: false, state: 'failed' }, failing: 3 },
  ],
  newestMaterializations: async () =>
    new Map(['stg/orders', 'mart/revenue'].map((key) => [key, REVENUE.lastMaterialization])),
} as unknown as Warehouse;
const parts = { graph, warehouse, pipelines: [SHOP] };

test('an asset tells what it is, whose it is, and its state', async () => {
  const statuses = await assetStatuses(parts);
  expect(statuses.map(({ key, status }) => [key, status])).toEqual([
    ['shop/public.orders', 'current'],
    ['shop/public.events', 'current'],
    ['shop/public.products', 'missing'],
    ['stg/orders', 'current'],
    ['mart/revenue', 'stale'],
    ['mart/report', 'missing'],
  ]);
  expect(statuses[0]).toMatchObject({
    ...{ kind: 'captured', pipeline: 'shop', description: 'every order', owners: ['team:shop'] },
    freshness: { state: 'WARN' },
  });
  expect(statuses[1]?.freshness.state).toBe('PASS');
  expect(statuses[3]).toMatchObject({ group: 'stg', owners: ['team:finance'], description: 'cleaned' });
  expect(statuses[4]).toMatchObject({ tags: { tier: 'gold' } });
  expect(statuses[4]?.checks).toEqual([{ name: 'key', state: 'failed', severity: 'error' }]);
  expect(statuses[3]?.checks).toEqual([]);
});

test('a selection sees state, tags and what reads what', async () => {
  const selected = async (selection: string) => (await assetStatuses(parts, selection)).map(({ key }) => key);
  expect(await selected('status:missing and pipeline:shop')).toEqual(['shop/public.products']);
  expect(await selected('1+tag:tier=gold')).toEqual(['stg/orders', 'mart/revenue']);
  await expect(selected('a or')).rejects.toMatchObject({ code: 'SELECTION_INVALID' });
});

test('the graph has the edges between the assets that are shown', async () => {
  const shown = await assetStatuses(parts, 'stg/orders or mart/*');
  expect(graphView(graph, shown)).toEqual({
    nodes: [
      { key: 'stg/orders', kind: 'derived', status: 'current', group: 'stg' },
      { key: 'mart/revenue', kind: 'derived', status: 'stale', group: 'mart' },
      { key: 'mart/report', kind: 'derived', status: 'missing', group: 'mart' },
    ],
    edges: [
      { from: 'stg/orders', to: 'mart/revenue', mapping: 'whole' },
      { from: 'mart/revenue', to: 'mart/report', mapping: 'lookup' },
    ],
  });
});

test('a view tells if it is there, and why not; it is as old as what it reads', async () => {
  const views = buildAssetGraph(
    [
      asset('v/one', ['shop/public.orders'], { kind: 'view', tags: { tier: 'x' } }),
      asset('v/two', ['v/one'], { kind: 'view' }),
      asset('mart/revenue', ['v/two']),
    ],
    new Set(['shop']),
  );
  const states = new Map([
    ['v/one', { state: 'current' }],
    ['v/two', { state: 'failed', reason: 'no column x' }],
  ]);
  const some = {
    ...parts,
    graph: views,
    warehouse: { ...warehouse, viewStates: async () => states } as unknown as Warehouse,
  };
  expect(await assetStatuses(some, 'kind:view')).toMatchObject([
    { key: 'v/one', status: 'current', tags: { tier: 'x' }, freshness: { ageSeconds: 0.2 } },
    { key: 'v/two', status: 'failed', reason: 'no column x', deps: ['v/one'], freshness: { state: 'UNKNOWN' } },
  ]);
  expect(graphView(views, await assetStatuses(some, 'v/two+')).edges).toEqual([
    { from: 'v/two', to: 'mart/revenue', mapping: 'whole' },
  ]);
});
