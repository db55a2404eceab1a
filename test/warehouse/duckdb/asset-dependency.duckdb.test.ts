import { expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { change, INT, TEXT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const orders = testEntry('public.orders', { id: INT, placed: TIMESTAMPTZ }, ['id']);
const payments = testEntry('public.payments', { id: INT, paid: TIMESTAMPTZ }, ['id']);
const customers = testEntry('public.customers', { id: INT, name: TEXT }, ['id']);
const rates = testEntry('public.rates', { id: INT, name: TEXT }, ['id']);

const byDay: AssetDefinition = {
  key: 'a/by_day',
  deps: [
    { key: 'shop/public.orders', by: 'placed' },
    { key: 'shop/public.payments', by: 'paid' },
    { key: 'shop/public.customers', lookup: true },
    'shop/public.rates',
  ],
  partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
  sql: `select day, count(o.id) as orders, count(p.id) as payments, (select max(name) from {shop/public.customers}) as best
        from (select {start}::DATE as day)
        left join {shop/public.orders} o on placed >= {start} and placed < {end}
        left join {shop/public.payments} p on paid >= {start} and paid < {end} group by 1
        having count(o.id) + count(p.id) > 0 and (select count(*) from {shop/public.rates}) > 0`,
};
const graph = buildAssetGraph([byDay], new Set(['shop']));
const readers = graph.readersOfPipeline('shop');
const asset = graph.asset('a/by_day');

async function merge(endLsn: number, entry: CaptureEntry, row: TestChange): Promise<readonly string[]> {
  const outcome = await warehouse.merge('shop', endLsn, { tables: [await warehouse.changes(entry, [row])], readers });
  return outcome.touchedAssets;
}

const materialized = async () => {
  const run = { workflowId: 'w', runId: crypto.randomUUID(), attempt: 1 };
  const { records } = await warehouse.port.materialize({ asset, run });
  return records.map(({ partition }) => partition);
};

test('an asset with several dependencies makes the partitions that any of them has rows of', async () => {
  await warehouse.port.declareAssets(graph.derived, NOW);
  const copied: readonly (readonly [CaptureEntry, Record<string, string>])[] = [
    [orders, { id: '1', placed: '2026-01-05 10:00:00+00' }],
    [payments, { id: '1', paid: '2026-01-07 10:00:00+00' }],
    [customers, { id: '1', name: 'Ann' }],
    [rates, { id: '1', name: 'EUR' }],
  ];
  for (const [i, [entry, row]] of copied.entries()) {
    const rows = [change('r', 1, 0, row)];
    const load = await warehouse.load(entry, rows, []);
    await warehouse.merge('shop', 100 + i, { begins: [placed(entry)], loads: [load], readers });
  }
  expect(await materialized()).toEqual(['2026-01-05', '2026-01-07']);
});

test('a row that moved in one of them makes the partitions due that it left and came to', async () => {
  expect(await merge(200, payments, change('u', 150, 0, { id: '1', paid: '2026-01-09 00:00:00+00' }))).toHaveLength(1);
  expect(await warehouse.partitionsIn(asset, 'stale')).toEqual(['2026-01-07']);
  expect(await warehouse.partitionsIn(asset, 'missing')).toEqual(['2026-01-09']);
  await merge(210, orders, change('d', 205, 0, { id: '1' }));
  expect(await materialized()).toEqual(['2026-01-05', '2026-01-07', '2026-01-09']);
  expect(await warehouse.rows('select day::VARCHAR as day, payments::INT as payments, best from a.by_day')).toEqual([
    { day: '2026-01-09', payments: 1, best: 'Ann' },
  ]);
});

test('a changed row of a lookup makes nothing due, and is read by what runs later', async () => {
  expect(await merge(220, customers, change('u', 215, 0, { id: '1', name: 'Bob' }))).toEqual([]);
  expect(await warehouse.port.dueAssets(graph.derived)).toEqual([]);
  await merge(230, payments, change('i', 225, 1, { id: '2', paid: '2026-01-09 12:00:00+00' }));
  expect(await materialized()).toEqual(['2026-01-09']);
  expect(await warehouse.rows('select payments::INT as payments, best from a.by_day')).toEqual([
    { payments: 2, best: 'Bob' },
  ]);
});

test('a changed row of one without a column makes the asset due as a whole', async () => {
  expect(await merge(240, rates, change('u', 235, 0, { id: '1', name: 'USD' }))).toEqual(['a/by_day']);
  expect(await warehouse.partitionsIn(asset, 'stale')).toEqual(['2026-01-05', '2026-01-07', '2026-01-09']);
});
