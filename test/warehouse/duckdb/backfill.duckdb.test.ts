import { beforeAll, describe, expect, test } from 'vitest';
import type { BackfillAsset } from '../../../activities/warehouse/backfill-order.ts';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { type BackfillOnly, type BackfillTurn, layersOf } from '../../../workflows/model/asset/backfill.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { type AssetGraph, buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { keysInRange } from '../../../workflows/model/asset/key-range.ts';
import type { PlannedRun } from '../../../workflows/model/asset/run.ts';
import { change, INT, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const orders = testEntry('public.orders', { id: INT, placed: TIMESTAMPTZ, divisor: INT }, ['id']);
const ORDERS = 'shop/public.orders';
const nowMs = Date.parse('2026-01-20T12:00:00Z');
const partitions = { kind: 'daily', start: '2026-01-01', output: 'day' } as const;
const daily: AssetDefinition = {
  key: 'a/daily',
  deps: [{ key: ORDERS, by: 'placed' }],
  partitions,
  automation: { kind: 'eager' },
  // A divisor of 0 is an error that only one day has.
  sql: `select {start}::DATE as day, sum(10 // if(divisor = 0, error('zero')::INT, divisor)) as value
    from {${ORDERS}} where placed >= {start} and placed < {end}`,
};
const mended = { ...daily, sql: daily.sql.replace("error('zero')::INT", '1') };
const above: AssetDefinition = {
  key: 'a/above',
  deps: ['a/daily'],
  partitions,
  sql: 'select day, value + 1 as value from {a/daily} where day >= {start} and day < {end}',
};
const total: AssetDefinition = { key: 'a/total', deps: ['a/above'], sql: 'select sum(value) as value from {a/above}' };

let graph: AssetGraph;
const keys = (range = {}) => keysInRange(partitions, range, nowMs);

async function declare(...assets: readonly AssetDefinition[]): Promise<void> {
  graph = buildAssetGraph(assets, new Set(['shop']));
  await warehouse.port.declareAssets(graph.derived, NOW);
}

const order = (only: BackfillOnly | null = null, chunk = 8, range = {}) => {
  const layers = layersOf(graph.derived);
  const assets = graph.derived.map((asset): BackfillAsset => {
    const list = asset.definition.partitions === undefined ? null : keys(range);
    return { asset, layer: layers.get(asset.key) ?? 0, partitions: list };
  });
  return { selection: 'a/*', assets, only, chunk, nowMs };
};

async function plan(...args: Parameters<typeof order>): Promise<string> {
  const id = await warehouse.port.planBackfill(order(...args));
  if (id === null) throw new Error('nothing is to be done');
  return id;
}

const turn = (backfill: string) => warehouse.port.backfillTurn({ backfill, assets: graph.derived, nowMs });

/** What the workflow of a run does. */
async function work({ id, steps }: PlannedRun): Promise<void> {
  const [step] = steps;
  if (step === undefined) throw new Error('a run without a step');
  const attempt = { workflowId: `run/${id}`, runId: crypto.randomUUID(), attempt: 1 };
  const { signal } = new AbortController();
  try {
    const { outcome } = await warehouse.port.runStep({
      ...{ run: id, no: step.no, asset: graph.asset(step.asset), attempt, signal },
    });
    const status = outcome.status === 'failed' ? 'failed' : 'succeeded';
    await warehouse.port.endRun({ run: id, status, steps: [], nowMs });
  } catch (failure) {
    const ends = [{ no: step.no, status: 'failed', error: (failure as Error).message }] as const;
    await warehouse.port.endRun({ run: id, status: 'failed', steps: ends, nowMs });
  }
}

/** @returns the assets of its runs, in their order */
async function workAll(backfill: string): Promise<{ runs: string[]; end: BackfillTurn }> {
  const runs: string[] = [];
  for (;;) {
    const next = await turn(backfill);
    if (next.tag !== 'run') return { runs, end: next };
    runs.push(...next.run.steps.map(({ asset }) => asset));
    await work(next.run);
  }
}

const countsOf = async (id: string) =>
  (await warehouse.port.backfill(id))?.assets.map(({ asset, total, done, failed, skipped }) => [
    ...[asset, total, done, failed, skipped],
  ]);

beforeAll(async () => {
  await declare(daily, above, total);
  const rows = keys().map((day, i) => change('r', 1, i, { id: `${i}`, placed: `${day} 10:00:00+00`, divisor: '2' }));
  await warehouse.merge('shop', 100, {
    ...{ begins: [placed(orders)], loads: [await warehouse.load(orders, rows, [])] },
    readers: graph.readersOfPipeline('shop'),
  });
});

test('computes every partition in runs of a chunk, what reads it after it, and then has nothing missing', async () => {
  const id = await plan();
  const { runs, end } = await workAll(id);
  expect(runs).toEqual([...['a/daily', 'a/daily', 'a/daily', 'a/above', 'a/above', 'a/above', 'a/total']]);
  expect(end).toEqual({ tag: 'ended', status: 'succeeded' });
  expect(await countsOf(id)).toEqual([
    ...[
      ['a/daily', 20, 20, 0, 0],
      ['a/above', 20, 20, 0, 0],
      ['a/total', 1, 1, 0, 0],
    ],
  ]);
  expect(await warehouse.rows('select value::INT as value from a.total')).toEqual([{ value: 120 }]);
  expect(await warehouse.port.planBackfill(order('missing'))).toBeNull();
  expect(await warehouse.port.liveBackfills()).toEqual([]);
  expect(await warehouse.rows('from _walflow.planned')).toEqual([]);
});

describe('while it runs', () => {
  test('a turn that is asked again answers the same run, until that has ended', async () => {
    const id = await plan(null, 15, { from: '2026-01-05' });
    const first = await turn(id);
    expect(await turn(id)).toEqual(first);
    if (first.tag !== 'run') throw new Error('no run');
    await work(first.run);
    const second = await turn(id);
    expect(second).toMatchObject({ tag: 'run', progress: { done: 15, total: 33 } });
    expect(second.tag === 'run' && second.run.id).not.toBe(first.run.id);
    await workAll(id);
  });

  test('automation leaves its partitions to it, and takes others', async () => {
    const id = await plan(null, 5, { from: '2026-01-11' });
    const moved = change('u', 1, 15, { id: '15', placed: '2026-01-16 10:00:00+00', divisor: '5' });
    const kept = change('u', 1, 3, { id: '3', placed: '2026-01-04 10:00:00+00', divisor: '5' });
    const touch = async (one: typeof moved, lsn: number) =>
      await warehouse.merge('shop', lsn, {
        ...{ tables: [await warehouse.changes(orders, [{ ...one, lsn: lsn - 50 }])] },
        readers: graph.readersOfPipeline('shop'),
      });
    const decide = async () => await warehouse.port.decide({ assets: graph.derived, closed: [], nowMs });
    // It has not looked for partitions yet.
    const { run: search } = await decide();
    if (search !== null) await work(search);
    await touch(moved, 200);
    expect((await decide()).run).toBeNull();
    await touch(kept, 300);
    const { run } = await decide();
    expect(run?.steps.map(({ asset }) => asset)).toEqual(['a/daily']);
    if (run !== null) await work(run);
    const [last] = await warehouse.port.materializations('a/daily', { limit: 1 });
    expect(last?.partition).toBe('2026-01-04');
    expect((await workAll(id)).end).toEqual({ tag: 'ended', status: 'succeeded' });
    expect(await warehouse.rows(`select value::INT as v from a.daily where day = '2026-01-16'`)).toEqual([{ v: 2 }]);
  });

  test('only one of several has a run, and a paused one has none', async () => {
    const [one, other] = [await plan(null, 30), await plan(null, 30)];
    const first = await turn(one);
    expect(await turn(other)).toMatchObject({ tag: 'wait', paused: false });
    if (first.tag !== 'run') throw new Error('no run');
    expect(await warehouse.port.setBackfill(one, 'paused', nowMs)).toEqual({ status: 'paused', run: first.run.id });
    await work(first.run);
    expect(await turn(one)).toMatchObject({ tag: 'wait', paused: true, progress: { done: 20, total: 41 } });
    expect((await workAll(other)).end).toEqual({ tag: 'ended', status: 'succeeded' });
    expect(await warehouse.port.liveBackfills()).toEqual([one]);
    await warehouse.port.setBackfill(one, 'running', nowMs);
    expect((await workAll(one)).runs).toEqual(['a/above', 'a/total']);
  });

  test('it can be cancelled: what is computed stays, the rest is nobody’s', async () => {
    const id = await plan(null, 8);
    const next = await turn(id);
    if (next.tag !== 'run') throw new Error('no run');
    expect(await warehouse.port.setBackfill(id, 'cancelled', nowMs)).toEqual({ status: 'cancelled', run: next.run.id });
    await warehouse.port.endRun({ run: next.run.id, status: 'cancelled', steps: [], nowMs });
    expect(await turn(id)).toEqual({ tag: 'ended', status: 'cancelled' });
    expect(await warehouse.port.setBackfill(id, 'running', nowMs)).toEqual({ status: 'cancelled', run: null });
    expect(await warehouse.rows('from _walflow.planned')).toEqual([]);
    expect(await warehouse.port.setBackfill('none', 'paused', nowMs)).toBeNull();
  });
});

test('one partition that fails is found; only it, and what reads it, is not computed', async () => {
  const zero = change('u', 1, 9, { id: '9', placed: '2026-01-10 10:00:00+00', divisor: '0' });
  await warehouse.merge('shop', 400, {
    ...{ tables: [await warehouse.changes(orders, [{ ...zero, lsn: 350 }])] },
    readers: graph.readersOfPipeline('shop'),
  });
  const id = await plan(null, 8);
  expect((await workAll(id)).end).toEqual({ tag: 'ended', status: 'failed' });
  expect(await countsOf(id)).toEqual([
    ...[
      ['a/daily', 20, 19, 1, 0],
      ['a/above', 20, 19, 0, 1],
      ['a/total', 1, 0, 0, 1],
    ],
  ]);
  const detail = await warehouse.port.backfill(id);
  expect(detail?.failures).toMatchObject([
    { asset: 'a/daily', partition: '2026-01-10', state: 'failed' },
    { asset: 'a/above', partition: '2026-01-10', state: 'skipped', reason: 'a/daily failed' },
    { asset: 'a/total', partition: null, state: 'skipped' },
  ]);
  const [{ due } = { due: null }] = await warehouse.rows<{ due: number }>(
    'select count(*)::INT as due from _walflow.planned',
  );
  expect(due).toBe(0);
});

test('what a check holds back is named at once; what it lets through is computed once', async () => {
  const positive = { kind: 'sql', sql: 'select * from {new} where value < 0', blocking: true } as const;
  await declare({ ...mended, checks: { positive } }, above, total);
  const negative = change('u', 1, 2, { id: '2', placed: '2026-01-03 10:00:00+00', divisor: '-10' });
  await warehouse.merge('shop', 450, {
    ...{ tables: [await warehouse.changes(orders, [{ ...negative, lsn: 420 }])] },
    readers: graph.readersOfPipeline('shop'),
  });
  const id = await plan(null, 30);
  expect((await workAll(id)).runs).toEqual(['a/daily', 'a/above']);
  expect(await countsOf(id)).toEqual([
    ...[
      ['a/daily', 20, 19, 1, 0],
      ['a/above', 20, 19, 0, 1],
      ['a/total', 1, 0, 0, 1],
    ],
  ]);
  expect((await warehouse.port.backfill(id))?.failures[0]).toMatchObject({ partition: '2026-01-03', state: 'failed' });
  // Of all days, only this one is still stale: the others are as they should be, not failed.
  const again = await plan('stale', 30);
  await workAll(again);
  expect((await countsOf(again))?.slice(0, 2)).toEqual([
    ['a/daily', 1, 0, 1, 0],
    ['a/above', 20, 19, 0, 1],
  ]);
});

test('of stale partitions only those that still are when their run starts are computed', async () => {
  await declare({ ...mended, sql: mended.sql.replace('10 //', '20 //') }, above, total);
  const id = await plan('stale', 30);
  const next = await turn(id);
  if (next.tag !== 'run') throw new Error('no run');
  const [day = ''] = keys();
  const run = await warehouse.port.planRun({
    ...{ cause: { kind: 'manual' }, nowMs },
    steps: [{ asset: graph.asset('a/daily'), scope: 'listed', partitions: [day] }],
  });
  await work(run);
  await work(next.run);
  const done = await warehouse.port.run(next.run.id);
  expect(done?.steps).toMatchObject([{ planned: 20, partitions: 19 }]);
  await workAll(id);
  expect(await warehouse.port.planBackfill(order('stale'))).toBeNull();
});

test('an asset that is no longer declared is left out', async () => {
  const changed = { ...mended, sql: `${mended.sql} having true` };
  await declare(changed, above, total);
  const id = await plan('stale', 30);
  await declare(changed, above);
  const { runs, end } = await workAll(id);
  expect(runs).toEqual(['a/daily', 'a/above']);
  expect(end).toEqual({ tag: 'ended', status: 'failed' });
  expect((await warehouse.port.backfill(id))?.failures).toMatchObject([
    { asset: 'a/total', reason: 'the asset was removed' },
  ]);
});

test('what cannot be computed yet fails, and is not called done', async () => {
  const early: AssetDefinition = { key: 'a/early', deps: ['a/never'], sql: 'select count(*) as days from {a/never}' };
  const never: AssetDefinition = { ...mended, key: 'a/never', deps: [{ key: 'shop/public.none', by: 'placed' }] };
  await declare({ ...never, sql: never.sql.replace(ORDERS, 'shop/public.none') }, early);
  const [asset] = graph.derived.filter(({ key }) => key === 'a/early');
  if (asset === undefined) throw new Error('no asset');
  const only = { ...order(null, 30), assets: [{ asset, layer: 0, partitions: null }] };
  const id = await warehouse.port.planBackfill(only);
  expect((await workAll(id ?? '')).end).toEqual({ tag: 'ended', status: 'failed' });
  expect((await warehouse.port.backfill(id ?? ''))?.failures[0]?.reason).toContain('does not exist yet');
});
