// backfill/<id> runs what the warehouse tells it, run by run. Real server and workers, scripted activities.

import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test, vi } from 'vitest';
import type { BackfillTurn } from '../../workflows/model/asset/backfill.ts';
import { backfillWorkflowId, runWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import { DONE, ScriptedRuns } from './scripted-runs.ts';
import { freshStage, type Script } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const END: BackfillTurn = { tag: 'ended', status: 'succeeded' };
const paused = (isPaused: boolean): BackfillTurn => ({
  ...{ tag: 'wait', paused: isPaused, progress: { done: 1, total: 3 } },
});

describe('a backfill', { timeout: 120_000 }, () => {
  const stage = freshStage();
  const start = async (backfill: string) =>
    await stage.client.workflow.start('backfill', {
      ...{ workflowId: backfillWorkflowId(backfill), taskQueue: warehouseQueue('main'), args: [{ backfill }] },
    });
  const runOf = (runs: ScriptedRuns, asset: string): BackfillTurn => ({
    tag: 'run',
    run: runs.plan([{ no: 0, asset, after: [], follows: false }]),
    progress: { done: 0, total: 3 },
  });
  /** Answers these turns one after the other, then the last one again and again. */
  const turns = (
    list: readonly BackfillTurn[],
  ): Script & { readonly asked: string[]; readonly cancelled: string[] } => {
    const asked: string[] = [];
    const cancelled: string[] = [];
    return {
      ...{ asked, cancelled },
      takeBackfillTurn: async ({ backfill }) => {
        asked.push(backfill);
        return list[Math.min(asked.length, list.length) - 1] ?? END;
      },
      cancelBackfill: async ({ backfill }) => void cancelled.push(backfill),
    };
  };

  test('starts one run after the other, and goes on behind one that fails', async () => {
    const runs = new ScriptedRuns({
      outcome: async (asset) => {
        if (asset === 'a/1') throw ApplicationFailure.create({ message: 'no such column', nonRetryable: true });
        return DONE;
      },
    });
    const list = [runOf(runs, 'a/0'), runOf(runs, 'a/1'), runOf(runs, 'a/2'), END];
    stage.play({ ...runs.script, ...turns(list) });
    const handle = await start('b1');
    expect(await handle.result()).toBe('succeeded');
    expect(runs.steps).toEqual(['a/0', 'a/1', 'a/2']);
    expect(runs.ended.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'succeeded']);
  });

  test('that is paused looks again when it is rung', async () => {
    const script = turns([paused(true), paused(true), END]);
    stage.play(script);
    const handle = await start('b2');
    await vi.waitFor(() => expect(script.asked).toHaveLength(1), PATIENCE);
    await handle.signal('event');
    await vi.waitFor(() => expect(script.asked).toHaveLength(2), PATIENCE);
    await handle.signal('event');
    expect(await handle.result()).toBe('succeeded');
  });

  test('that has no place yet looks again by itself', async () => {
    const script = turns([paused(false), END]);
    stage.play(script);
    expect(await (await start('b3')).result()).toBe('succeeded');
  });

  test('waits for a run that was started before, and goes on behind one that is cancelled alone', async () => {
    const runs = new ScriptedRuns({ outcome: async () => DONE });
    const first = runOf(runs, 'a/0');
    if (first.tag !== 'run') throw new Error('no run');
    stage.play({ ...runs.script, ...turns([first, first, END]) });
    await stage.client.workflow.start('run', {
      ...{ workflowId: runWorkflowId(first.run.id), taskQueue: warehouseQueue('main'), args: [first.run] },
    });
    expect(await (await start('b4')).result()).toBe('succeeded');
    expect(runs.steps, 'it is not started again').toEqual(['a/0']);
  });

  test('that is cancelled in Temporal ends its run, and is cancelled in the warehouse', async () => {
    let begun: () => void = () => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const runs = new ScriptedRuns({
      outcome: async () => {
        begun();
        const context = Context.current();
        const beat = setInterval(() => context.heartbeat(), 200);
        try {
          return await context.cancelled;
        } finally {
          clearInterval(beat);
        }
      },
    });
    const script = turns([runOf(runs, 'a/0'), END]);
    stage.play({ ...runs.script, ...script });
    const handle = await start('b5');
    await running;
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect(script.cancelled).toEqual(['b5']);
    await vi.waitFor(() => expect(runs.ended.map(({ status }) => status)).toEqual(['cancelled']), PATIENCE);
  });
});
