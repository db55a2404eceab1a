import { describe, expect, test } from 'vitest';
import type { PlanOrder, RunView, StepView } from '../../activities/warehouse/run-order.ts';
import { RunDesk } from '../../workers/status/run-desk.ts';
import { buildAssetGraph } from '../../workflows/model/asset/graph.ts';
import type { PlannedRun } from '../../workflows/model/asset/run.ts';

const NOW_MS = Date.parse('2026-11-27T12:00:00Z');
const daily = { kind: 'daily', start: '2026-11-20', output: 'day' } as const;
const graph = buildAssetGraph(
  [
    {
      key: 'a/days',
      deps: [{ key: 'shop/public.orders', by: 'at' }],
      partitions: daily,
      sql: 'select {start} from {shop/public.orders}',
    },
    { key: 'a/total', deps: ['a/days'], sql: 'select 1 from {a/days}' },
  ],
  new Set(['shop']),
);
const step = (more: Partial<StepView>): StepView => ({
  ...{ no: 0, asset: 'a/days', status: 'succeeded', scope: 'due', planned: 0, partitions: 1, unchanged: 0, rows: 1 },
  ...{ attempt: 1, startedAt: null, endedAt: '2026-11-27T11:00:00Z', ...more },
});
const ended = (...steps: readonly StepView[]): RunView => ({
  ...{ id: 'old', status: 'failed', cause: { kind: 'automation' }, steps },
  ...{ createdAt: '2026-11-27T11:00:00Z', startedAt: null, endedAt: '2026-11-27T11:00:00Z' },
});

function desk(known: readonly RunView[] = [], isThere = true) {
  const planned: PlanOrder[] = [];
  const calls: string[] = [];
  const views = new Map(known.map((view) => [view.id, view]));
  const it = new RunDesk({
    graph,
    settings: { heartbeatTimeoutSeconds: 30, searchAttributes: false },
    nowMs: () => NOW_MS,
    runs: {
      start: async ({ id }: PlannedRun) => void calls.push(`start ${id}`),
      cancel: async (id: string) => {
        calls.push(`cancel ${id}`);
        return isThere;
      },
      executionOf: async () => 'execution',
    },
    warehouse: {
      planRun: async (order) => {
        planned.push(order);
        views.set('new', { ...ended(), id: 'new', status: 'queued', endedAt: null });
        return { id: 'new', cause: order.cause, steps: [] };
      },
      run: async (id) => views.get(id) ?? null,
      runs: async () => [...views.values()],
      endRun: async ({ run, status }) => void calls.push(`end ${run} ${status}`),
      cancelSteps: (run) => void calls.push(`interrupt ${run}`),
    },
  });
  const plan = () => planned[0]?.steps.map(({ asset, scope, partitions }) => [asset.key, scope, partitions]);
  return { it, calls, plan };
}
const both = new Set(['a/days', 'a/total']);

describe('what is asked for', () => {
  test('without partitions is what is due, and all of an asset that has none', async () => {
    const { it, plan, calls } = desk();
    expect(await it.start({ select: '*' }, both)).toMatchObject({
      id: 'new',
      workflowId: 'run/new',
      runId: 'execution',
    });
    expect(plan()).toEqual([
      ['a/days', 'stale', undefined],
      ['a/total', 'listed', undefined],
    ]);
    expect(calls).toEqual(['start new']);
  });

  test.each([
    [{ partition: '2026-11-21' }, ['2026-11-21']],
    [{ from: '2026-11-21', to: '2026-11-23' }, ['2026-11-21', '2026-11-22', '2026-11-23']],
    [{ to: '2026-11-20' }, ['2026-11-20']],
    [{ from: '2026-11-26' }, ['2026-11-26', '2026-11-27']],
  ])('with %j is exactly these', async (asked, partitions) => {
    const { it, plan } = desk();
    await it.start({ select: 'a/days', ...asked }, new Set(['a/days']));
    expect(plan()).toEqual([['a/days', 'listed', partitions]]);
  });

  test.each([
    ['selects nothing that is computed', {}, new Set(['shop/public.orders'])],
    ['is a partition outside', { partition: '2026-11-19' }, new Set(['a/days'])],
    ['is no key', { from: 'yesterday' }, new Set(['a/days'])],
    ['is an empty range', { from: '2026-11-23', to: '2026-11-22' }, new Set(['a/days'])],
    ['is a partition of an asset without any', { partition: '2026-11-21' }, new Set(['a/total'])],
  ])('and %s is refused', async (_, asked, selected) => {
    const { it, calls } = desk();
    await expect(it.start({ select: 'x', ...asked }, selected)).rejects.toMatchObject({ code: 'RUN_INVALID' });
    expect(calls).toEqual([]);
  });
});

test('a run that no one knows is named', async () => {
  await expect(desk().it.show('nope')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
  await expect(desk().it.cancel('nope')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
});

describe('a cancel', () => {
  const running: RunView = { ...ended(), id: 'r', status: 'running', endedAt: null };

  test('asks the workflow, and interrupts what runs here', async () => {
    const { it, calls } = desk([running]);
    await it.cancel('r');
    expect(calls).toEqual(['cancel r', 'interrupt r']);
  });

  test('ends a run that never started', async () => {
    const { it, calls } = desk([running], false);
    await it.cancel('r');
    expect(calls).toEqual(['cancel r', 'interrupt r', 'end r cancelled']);
  });

  test('leaves a run that has ended', async () => {
    const { it, calls } = desk([ended()]);
    expect(await it.cancel('old')).toMatchObject({ status: 'failed' });
    expect(calls).toEqual([]);
  });
});

describe('a retry', () => {
  const failing = ended(step({}), step({ no: 1, asset: 'a/total', status: 'skipped', reason: 'upstream-failed' }));

  test('runs what did not end well, or all', async () => {
    const one = desk([failing]);
    await one.it.retry('old', 'failure');
    expect(one.plan()).toEqual([['a/total', 'listed', undefined]]);
    const all = desk([failing]);
    await all.it.retry('old', 'all');
    expect(all.plan()?.map(([key]) => key)).toEqual(['a/days', 'a/total']);
  });

  test.each([
    ['of a run that goes on', { ...failing, endedAt: null }],
    ['of one without failures', ended(step({}))],
    ['of listed partitions, which are gone', ended(step({ status: 'failed', scope: 'listed' }))],
  ])('%s is refused', async (_, view) => {
    const { it, calls } = desk([view]);
    await expect(it.retry('old', 'failure')).rejects.toMatchObject({ code: 'RUN_INVALID' });
    expect(calls).toEqual([]);
  });
});
