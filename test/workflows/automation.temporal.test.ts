// automation/<project> starts what was decided, once. Real server and workers, scripted activities.

import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test, vi } from 'vitest';
import { automationWorkflowId, runWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import { freshPipelineName } from '../support/unique.ts';
import { DONE, ScriptedRuns } from './scripted-runs.ts';
import { eventsOf, freshStage } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

describe('automation', { timeout: 120_000 }, () => {
  const stage = freshStage();

  const start = async (): Promise<WorkflowHandle> => {
    const project = freshPipelineName();
    return await stage.client.workflow.start('automation', {
      workflowId: automationWorkflowId(project),
      taskQueue: warehouseQueue('main'),
      args: [{ project }],
    });
  };
  const childrenOf = async (handle: WorkflowHandle) =>
    (await eventsOf(handle)).flatMap(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? [],
    );

  test('no change = no run, one change = one run, however often it rings', async () => {
    const runs = new ScriptedRuns();
    stage.play(runs.script);
    const handle = await start();
    for (let i = 0; i < 3; i += 1) await handle.signal('event');
    runs.change('analytics/revenue');
    for (let i = 0; i < 5; i += 1) await handle.signal('event');
    await vi.waitFor(async () => {
      const events = await eventsOf(handle);
      expect(events.filter((event) => event.childWorkflowExecutionCompletedEventAttributes)).toHaveLength(1);
    }, PATIENCE);
    expect(runs.steps).toEqual(['analytics/revenue']);
    await handle.signal('event');
    await vi.waitFor(async () => {
      const events = await eventsOf(handle);
      expect(events.at(-1)?.timerStartedEventAttributes, 'it has looked at every ring and waits').toBeTruthy();
    }, PATIENCE);
    expect(runs.steps).toEqual(['analytics/revenue']);
    await handle.terminate();
  });

  test('a decision is one run, however many assets are due', async () => {
    const assets = Array.from({ length: 20 }, (_, i) => `a/${i}`);
    const runs = new ScriptedRuns();
    stage.play(runs.script);
    runs.change(...assets);
    const handle = await start();
    await vi.waitFor(() => expect(runs.ended).toMatchObject([{ status: 'succeeded', assets }]), PATIENCE);
    expect([...runs.steps].sort()).toEqual([...assets].sort());
    expect(await childrenOf(handle)).toEqual([runWorkflowId(runs.ended[0]?.run ?? '')]);
    await handle.terminate();
  });

  test('a slow run and one that fails delay no other', async () => {
    let finish: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const runs = new ScriptedRuns({
      outcome: async (asset) => {
        if (asset === 'a/failing') throw ApplicationFailure.create({ message: 'no such column', nonRetryable: true });
        if (asset === 'a/slow') await held;
        return DONE;
      },
    });
    stage.play(runs.script);
    const handle = await start();
    for (const asset of ['a/slow', 'a/failing', 'a/good', 'a/good']) {
      const before = runs.steps.length;
      runs.change(asset);
      await handle.signal('event');
      await vi.waitFor(() => expect(runs.steps.slice(before)).toContain(asset), PATIENCE);
      if (asset !== 'a/slow') await vi.waitFor(() => expect(runs.live).toHaveLength(1), PATIENCE);
    }
    expect(runs.ended.map(({ status }) => status)).toContain('failed');
    expect(runs.steps.filter((asset) => asset === 'a/slow')).toHaveLength(1);
    finish();
    await vi.waitFor(() => expect(runs.live).toEqual([]), PATIENCE);
    await handle.terminate();
  });

  test('under traffic, assets with the same `every` are decided about together, once in that time', async () => {
    const everyMs = { 'a/one': 3_000, 'a/two': 3_000, 'b/often': 1 };
    const ranAtMs: Record<string, number[]> = { 'a/one': [], 'a/two': [], 'b/often': [] };
    const outcome = async (asset: string) => {
      ranAtMs[asset]?.push(performance.now());
      return DONE;
    };
    const runs = new ScriptedRuns({ outcome, everyMs });
    stage.play(runs.script);
    const handle = await start();
    const ringFor = async (...assets: readonly string[]) => {
      runs.change(...assets);
      await handle.signal('event');
    };
    await ringFor('a/one');
    await vi.waitFor(() => expect(ranAtMs['a/one'], 'the first change after a quiet time').toHaveLength(1), PATIENCE);
    await vi.waitFor(() => expect(runs.live).toEqual([]), PATIENCE);
    await ringFor('a/one', 'a/two', 'b/often');
    await vi.waitFor(() => expect(ranAtMs['b/often']).toHaveLength(1), PATIENCE);
    await ringFor('a/two');
    await vi.waitFor(() => expect([ranAtMs['a/one']?.length, ranAtMs['a/two']?.length]).toEqual([2, 1]), PATIENCE);
    const [first = 0, second = 0] = ranAtMs['a/one'] ?? [];
    const [two = 0] = ranAtMs['a/two'] ?? [];
    expect(second - first).toBeGreaterThan(2_500);
    expect(two - first, 'in one decision with the other').toBeGreaterThan(2_500);
    expect((ranAtMs['b/often']?.[0] ?? 0) - first, 'other assets do not wait').toBeLessThan(2_500);
    await vi.waitFor(() => expect(runs.live).toEqual([]), PATIENCE);
    await handle.terminate();
  });

  test('a run that was decided and never started is started by the next look, and only once', async () => {
    const runs = new ScriptedRuns();
    stage.play(runs.script);
    // What a process left that was killed between decision and start.
    const lost = runs.plan([{ no: 0, asset: 'a/lost', after: [], follows: false }]);
    const handles = [await start(), await start()];
    await vi.waitFor(() => expect(runs.live).toEqual([]), PATIENCE);
    expect(runs.ended).toMatchObject([{ run: lost.id, status: 'succeeded' }]);
    for (const handle of handles) {
      await vi.waitFor(
        async () => expect((await eventsOf(handle)).some((event) => event.timerStartedEventAttributes)).toBe(true),
        PATIENCE,
      );
      await handle.terminate();
    }
    expect(runs.steps).toEqual(['a/lost']);
  });
});
