// automation/<project> starts what is due. Real server and workers, scripted activities.

import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test, vi } from 'vitest';
import { automationWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import type { DueRun, MaterializeResult } from '../../workflows/model/run.ts';
import { freshPipelineName } from '../support/unique.ts';
import { eventsOf, freshStage } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const DONE: MaterializeResult = { partitions: 1, rows: 3, seqTo: 9, lsnTo: '00000000016c0000' };

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

  /** A warehouse that knows what is due: change() makes an asset due, a run that ends well settles it. */
  const warehouse = (outcome: (asset: string) => Promise<void>, everyMs: Readonly<Record<string, number>> = {}) => {
    const due = new Map<string, number>();
    const runs: string[] = [];
    let seq = 0;
    return {
      runs,
      change: (asset: string) => {
        seq += 1;
        due.set(asset, seq);
      },
      script: {
        listDueRuns: async (): Promise<readonly DueRun[]> =>
          [...due].map(([asset, at]) => ({ asset, runKey: `seq-${at}`, everyMs: everyMs[asset] ?? 0 })),
        materializeAsset: async ({ asset }: { asset: string }) => {
          runs.push(asset);
          const seen = due.get(asset);
          await outcome(asset);
          if (due.get(asset) === seen) due.delete(asset);
          return DONE;
        },
      },
    };
  };
  const runsOf = (runs: readonly string[], asset: string) => runs.filter((one) => one === asset).length;

  test('no change = no run, one change = one run, however often it rings', async () => {
    const { script, runs, change } = warehouse(async () => {});
    stage.play(script);
    const handle = await start();
    for (let i = 0; i < 3; i += 1) await handle.signal('event');
    change('analytics/revenue');
    for (let i = 0; i < 5; i += 1) await handle.signal('event');
    await vi.waitFor(() => expect(runs).toEqual(['analytics/revenue']), PATIENCE);
    await handle.signal('event');
    await vi.waitFor(async () => {
      const events = await eventsOf(handle);
      expect(events.at(-1)?.timerStartedEventAttributes, 'it has looked at every ring and waits').toBeTruthy();
    }, PATIENCE);
    expect(runs).toEqual(['analytics/revenue']);
    await handle.terminate();
  });

  test('an asset that fails rests, one that is slow takes its time, all others go on', async () => {
    let finish: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { script, runs, change } = warehouse(async (asset) => {
      if (asset === 'a/failing') throw ApplicationFailure.create({ message: 'no such column', nonRetryable: true });
      if (asset === 'a/slow') await held;
    });
    stage.play(script);
    for (const asset of ['a/failing', 'a/slow', 'a/good']) change(asset);
    const handle = await start();
    for (let round = 1; round <= 4; round += 1) {
      await vi.waitFor(() => expect(runsOf(runs, 'a/good')).toBe(round), PATIENCE);
      change('a/good');
      // New input of the others is no reason to start them again now.
      change('a/failing');
      change('a/slow');
      await handle.signal('event');
    }
    await vi.waitFor(() => expect(runsOf(runs, 'a/good')).toBe(5), PATIENCE);
    expect(runsOf(runs, 'a/slow')).toBe(1);
    expect(runsOf(runs, 'a/failing'), 'it rests for a minute').toBeLessThanOrEqual(2);
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toContain('- a/failing: no such column');
    expect(currentDetails).toContain('- a/good: 1 partitions, 3 rows');
    finish();
    // What changed while it ran was passed over then, and is not forgotten: without another ring.
    await vi.waitFor(() => expect(runsOf(runs, 'a/slow')).toBe(2), PATIENCE);
    await handle.terminate();
  });

  test('under traffic, assets with the same `every` are decided about together, once in that time', async () => {
    const everyMs = { 'a/one': 3_000, 'a/two': 3_000, 'b/often': 1 };
    const ranAtMs: Record<string, number[]> = { 'a/one': [], 'a/two': [], 'b/often': [] };
    const { script, change } = warehouse(async (asset) => void ranAtMs[asset]?.push(performance.now()), everyMs);
    stage.play(script);
    const handle = await start();
    const ringFor = async (...assets: readonly string[]) => {
      assets.forEach(change);
      await handle.signal('event');
    };
    await ringFor('a/one');
    await vi.waitFor(() => expect(ranAtMs['a/one'], 'the first change after a quiet time').toHaveLength(1), PATIENCE);
    await ringFor('a/one', 'a/two', 'b/often');
    await vi.waitFor(() => expect(ranAtMs['b/often']).toHaveLength(1), PATIENCE);
    await ringFor('a/two');
    await vi.waitFor(() => expect([ranAtMs['a/one']?.length, ranAtMs['a/two']?.length]).toEqual([2, 1]), PATIENCE);
    const [first = 0, second = 0] = ranAtMs['a/one'] ?? [];
    const [two = 0] = ranAtMs['a/two'] ?? [];
    expect(second - first).toBeGreaterThan(2_500);
    expect(two - first, 'in one decision with the other').toBeGreaterThan(2_500);
    expect((ranAtMs['b/often']?.[0] ?? 0) - first, 'other assets do not wait').toBeLessThan(2_500);
    await handle.terminate();
  });

  test('a run that fails for a while is one run with several attempts', async () => {
    let failures = 2;
    const { script, runs, change } = warehouse(async () => {
      if (failures > 0) {
        failures -= 1;
        throw new Error('the warehouse is busy');
      }
    });
    stage.play(script);
    change('a/flaky');
    const handle = await start();
    await vi.waitFor(() => expect(runs).toHaveLength(3), PATIENCE);
    await vi.waitFor(async () => {
      const events = await eventsOf(handle);
      expect(events.filter((event) => event.childWorkflowExecutionCompletedEventAttributes)).toHaveLength(1);
    }, PATIENCE);
    const children = (await eventsOf(handle)).flatMap(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? [],
    );
    expect(children).toEqual(['materialize/a/flaky/seq-1']);
    await handle.terminate();
  });
});
