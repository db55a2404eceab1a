// run/<id> runs its steps in the order of the graph. Real server and workers, scripted activities.

import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test, vi } from 'vitest';
import type { PlannedRun, StepOutcome } from '../../workflows/model/asset/run.ts';
import { runWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import { DONE, ScriptedRuns } from './scripted-runs.ts';
import { eventsOf, freshStage } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const UNCHANGED: StepOutcome = { status: 'unchanged', partitions: 1, unchanged: 1, rows: 3 };
const broken = () => ApplicationFailure.create({ message: 'no such column', nonRetryable: true });

describe('a run', { timeout: 120_000 }, () => {
  const stage = freshStage();
  const step = (no: number, after: readonly number[] = [], follows = after.length > 0) => ({
    ...{ no, asset: `a/${no}`, after, follows },
  });
  const start = async (run: PlannedRun) =>
    await stage.client.workflow.start('run', {
      ...{ workflowId: runWorkflowId(run.id), taskQueue: warehouseQueue('main'), args: [run] },
    });

  test('of several layers begins no step before those that it reads have ended', async () => {
    const ended: string[] = [];
    const runs = new ScriptedRuns({
      outcome: async (asset) => {
        const before = { 'a/2': ['a/0', 'a/1'], 'a/3': ['a/2'] }[asset] ?? [];
        expect(ended).toEqual(expect.arrayContaining(before));
        ended.push(asset);
        return DONE;
      },
    });
    stage.play(runs.script);
    const handle = await start(runs.plan([step(0), step(1), step(2, [0, 1]), step(3, [2])]));
    expect(await handle.result()).toEqual({ status: 'succeeded', partitions: 4, rows: 12 });
    expect(runs.ended).toMatchObject([{ status: 'succeeded', steps: [] }]);
    expect((await eventsOf(handle)).length).toBeLessThanOrEqual(12 + 8 * 4);
  });

  test('skips what reads a step that failed, and nothing else', async () => {
    const runs = new ScriptedRuns({
      outcome: async (asset) => {
        if (asset === 'a/0') throw broken();
        return DONE;
      },
    });
    stage.play(runs.script);
    const handle = await start(runs.plan([step(0), step(1), step(2, [0]), step(3, [2]), step(4, [1])]));
    await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'a/0: no such column' } });
    expect([...runs.steps].sort()).toEqual(['a/0', 'a/1', 'a/4']);
    expect(runs.ended.at(-1)?.status).toBe('failed');
    expect(runs.ended.flatMap(({ steps }) => steps)).toEqual([
      { no: 0, status: 'failed', error: 'no such column' },
      { no: 2, status: 'skipped', reason: 'upstream-failed' },
      { no: 3, status: 'skipped', reason: 'upstream-failed' },
    ]);
  });

  test('asks nothing of steps whose inputs came out unchanged, and ends them at once', async () => {
    let finish: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const runs = new ScriptedRuns({
      outcome: async (asset) => {
        if (asset === 'a/1') await held;
        return asset === 'a/0' ? UNCHANGED : DONE;
      },
    });
    stage.play(runs.script);
    const handle = await start(runs.plan([step(0), step(1), step(2, [0]), step(3, [0], false)]));
    await vi.waitFor(
      () =>
        expect(runs.ended).toMatchObject([
          { status: null, steps: [{ no: 2, status: 'skipped', reason: 'up-to-date' }] },
        ]),
      PATIENCE,
    );
    finish();
    await handle.result();
    expect([...runs.steps].sort(), 'one that was due itself runs').toEqual(['a/0', 'a/1', 'a/3']);
  });

  test('that fails for a while is one run with several attempts', async () => {
    let failures = 2;
    const runs = new ScriptedRuns({
      outcome: async () => {
        failures -= 1;
        if (failures >= 0) throw new Error('the warehouse is busy');
        return DONE;
      },
    });
    stage.play(runs.script);
    const handle = await start(runs.plan([step(0)]));
    await handle.result();
    expect(runs.steps).toHaveLength(3);
  });

  test('runs four steps at once', async () => {
    const open = { now: 0, most: 0 };
    const runs = new ScriptedRuns({
      outcome: async () => {
        open.now += 1;
        open.most = Math.max(open.most, open.now);
        await new Promise((resolve) => setTimeout(resolve, 300));
        open.now -= 1;
        return DONE;
      },
    });
    stage.play(runs.script);
    await (await start(runs.plan(Array.from({ length: 9 }, (_, no) => step(no))))).result();
    expect(open.most).toBe(4);
  });

  test('that is cancelled waits for its step to settle, and ends as cancelled', async () => {
    const settled: string[] = [];
    const runs = new ScriptedRuns({
      outcome: async (asset) => {
        const context = Context.current();
        const beat = setInterval(() => context.heartbeat(), 200);
        try {
          return await context.cancelled;
        } finally {
          clearInterval(beat);
          await new Promise((resolve) => setTimeout(resolve, 500));
          settled.push(asset);
        }
      },
    });
    stage.play(runs.script);
    const handle = await start(runs.plan([step(0), step(1, [0])]));
    await vi.waitFor(() => expect(runs.steps).toEqual(['a/0']), PATIENCE);
    const fromMs = performance.now();
    await handle.cancel();
    await vi.waitFor(() => expect(runs.ended).toMatchObject([{ status: 'cancelled' }]), PATIENCE);
    expect(settled).toEqual(['a/0']);
    expect(performance.now() - fromMs, 'by a heartbeat').toBeLessThan(5_000);
    await expect(handle.result()).rejects.toThrow();
    expect((await handle.describe()).status.name).toBe('CANCELLED');
  });

  test.each([
    ['between two attempts', 0],
    ['while an attempt is about to fail', 3_000],
  ])('that is cancelled %s ends as cancelled too', async (_, afterMs) => {
    const runs = new ScriptedRuns({
      outcome: async () => {
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        throw new Error('the warehouse is busy');
      },
    });
    stage.play(runs.script);
    const handle = await start(runs.plan([step(0)]));
    await vi.waitFor(() => expect(runs.steps.length).toBeGreaterThanOrEqual(afterMs === 0 ? 2 : 1), PATIENCE);
    await handle.cancel();
    await vi.waitFor(() => expect(runs.ended).toMatchObject([{ status: 'cancelled' }]), PATIENCE);
    await expect(handle.result()).rejects.toThrow();
    expect((await handle.describe()).status.name).toBe('CANCELLED');
  });
});
