import { beforeAll, expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { type AssetGraph, buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { change, INT, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const orders = testEntry('public.orders', { id: INT, placed: TIMESTAMPTZ }, ['id']);
const rates = testEntry('public.rates', { id: INT }, ['id']);
const daily: AssetDefinition = {
  key: 'a/daily',
  deps: [{ key: 'shop/public.orders', by: 'placed' }, 'shop/public.rates'],
  partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
  automation: { kind: 'eager' },
  sql: 'select {start}::DATE as day, count(*) as orders from {shop/public.orders} where placed >= {start} and placed < {end}',
};
const nowMs = Date.parse('2026-02-01T12:00:00Z');
let graph: AssetGraph;

async function declare(definition: AssetDefinition): Promise<void> {
  graph = buildAssetGraph([definition], new Set(['shop']));
  await warehouse.port.declareAssets(graph.derived, NOW);
}
const facts = async () => await warehouse.port.dueFacts(graph.asset('a/daily'), nowMs);
const decide = async () => await warehouse.port.decide({ assets: graph.derived, closed: [], nowMs });
const none = { missing: 0, touched: 0, code: 0, whole: 0 };

async function work(run: { readonly id: string } | null): Promise<void> {
  if (run === null) throw new Error('nothing is due');
  const attempt = { workflowId: `run/${run.id}`, runId: crypto.randomUUID(), attempt: 1 };
  const { signal } = new AbortController();
  await warehouse.port.runStep({ run: run.id, no: 0, asset: graph.asset('a/daily'), attempt, signal });
  await warehouse.port.endRun({ run: run.id, status: 'succeeded', steps: [], nowMs });
}

beforeAll(() => declare(daily));

test('an asset whose inputs do not exist is not ready', async () => {
  expect(await facts()).toMatchObject({ ready: false, current: 0 });
});

test('a new one searches, and is current behind its run', async () => {
  const rows = [1, 2, 3].map((i) => change('r', 1, i, { id: `${i}`, placed: `2026-01-0${i} 10:00:00+00` }));
  await warehouse.merge('shop', 100, {
    ...{ begins: [placed(orders), placed(rates)] },
    loads: [await warehouse.load(orders, rows, []), await warehouse.load(rates, [change('r', 1, 1, { id: '1' })], [])],
    readers: graph.readersOfPipeline('shop'),
  });
  expect(await facts()).toMatchObject({ ready: true, searches: true, runs: [] });
  const { run } = await decide();
  expect(await facts()).toMatchObject({ runs: [run?.id] });
  await work(run);
  expect(await facts()).toEqual({
    ...{ current: 3, causes: none, wanted: 0, searches: false, listed: 0, runs: [], restsUntil: null, ready: true },
  });
});

test('a changed row, a change of all, and other code are told apart; only the first is wanted', async () => {
  const touch = async (lsn: number, tables: Awaited<ReturnType<typeof warehouse.changes>>) =>
    await warehouse.merge('shop', lsn, { tables: [tables], readers: graph.readersOfPipeline('shop') });
  const moved = { ...change('u', 1, 2, { id: '2', placed: '2026-01-02 11:00:00+00' }), lsn: 150 };
  await touch(200, await warehouse.changes(orders, [moved]));
  expect(await facts()).toMatchObject({ current: 2, causes: { ...none, touched: 1 }, wanted: 1 });
  await touch(300, await warehouse.changes(rates, [{ ...change('i', 1, 9, { id: '9' }), lsn: 250 }]));
  expect(await facts()).toMatchObject({ current: 0, causes: { ...none, touched: 1, whole: 2 }, wanted: 1 });
  await declare({ ...daily, sql: `${daily.sql} having true` });
  expect((await facts()).causes).toMatchObject({ missing: 0, whole: 0 });
  expect((await facts()).causes.code).toBeGreaterThan(1);
});

test('what a backfill has on its list, and a rest after a failure, are told', async () => {
  const asset = graph.asset('a/daily');
  const order = { selection: 'a/*', only: null, chunk: 100, nowMs };
  const partitions = ['2026-01-01', '2026-01-03'];
  const id = await warehouse.port.planBackfill({ ...order, assets: [{ asset, layer: 0, partitions }] });
  expect(await facts()).toMatchObject({ listed: 2 });
  await warehouse.port.setBackfill(id ?? '', 'cancelled', nowMs);
  expect(await facts()).toMatchObject({ listed: 0, restsUntil: null });
  const { run } = await decide();
  const failed = [{ no: 0, status: 'failed', error: 'no such column' }] as const;
  await warehouse.port.endRun({ run: run?.id ?? '', status: 'failed', steps: failed, nowMs });
  expect(await facts()).toMatchObject({ restsUntil: '2026-02-01T12:01:00.000000Z' });
});
