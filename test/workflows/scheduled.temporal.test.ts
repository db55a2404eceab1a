// Ticks of a real Temporal Schedule, in the product's workflow and activity, over a warehouse that only remembers.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ScheduleHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { planTick } from '../../activities/schedule.ts';
import type { TickOrder } from '../../activities/warehouse/schedule-order.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { reconcileSchedules } from '../../workers/temporal/project-schedule.ts';
import { buildAssetGraph } from '../../workflows/model/asset/graph.ts';
import type { PlannedRun, StepOutcome } from '../../workflows/model/asset/run.ts';
import type { LoadedSchedule } from '../../workflows/model/asset/schedule.ts';
import { freshStage } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const DAY_MS = 86_400_000;
/** A tick that did not wait would have ended. */
const WHILE_MS = 1_500;
const SETTINGS = { heartbeatTimeoutSeconds: 30, searchAttributes: false };
const DONE: StepOutcome = { status: 'succeeded', partitions: 1, unchanged: 0, rows: 1 };
const SQL = 'select 1 from {shop/public.orders}';

const GRAPH = buildAssetGraph(
  [
    {
      ...{ key: 'a/days', deps: [{ key: 'shop/public.orders', by: 'at' }], sql: SQL },
      partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
    },
    { key: 'a/whole', deps: ['shop/public.orders'], sql: SQL },
  ],
  new Set(['shop']),
);

/** What the warehouse keeps of schedules and runs, without rows. */
class Memory {
  readonly runs = new Map<string, PlannedRun & { readonly partitions: readonly string[] }>();
  #handledMs: number | null = null;

  async planTick({ id, cause, plan }: TickOrder): Promise<PlannedRun | null> {
    const work = plan(this.#handledMs);
    if (work === null) return null;
    this.#handledMs = work.handledMs ?? this.#handledMs;
    if (work.steps.length === 0) return null;
    const steps = work.steps.map(({ asset }, no) => ({ no, asset: asset.key, after: [], follows: false }));
    const run = { id, cause, steps };
    this.runs.set(id, { ...run, partitions: work.steps.flatMap(({ partitions = [] }) => partitions) });
    return run;
  }

  get partitions(): readonly string[] {
    return [...this.runs.values()].flatMap(({ partitions }) => partitions).sort();
  }
}

describe('a schedule', { timeout: 180_000 }, () => {
  const stage = freshStage();
  let memory: Memory;
  let schedules = 0;
  let handle: ScheduleHandle;
  let step: () => Promise<StepOutcome>;

  const handleOf = (id: string) => stage.client.schedule.getHandle(id);
  /** Paused: then only what a test asks for happens. */
  beforeEach(async () => {
    memory = new Memory();
    step = async () => DONE;
    const schedule: LoadedSchedule = {
      ...{ name: `daily${++schedules}`, cron: '0 7 * * *', timezone: 'UTC', overlap: 'skip', catchupWindowMs: DAY_MS },
      materialize: 'a/*',
    };
    stage.play({
      planTick: (input) => planTick({ graph: GRAPH, warehouse: memory as unknown as Warehouse }, input),
      runStep: () => step(),
      endRun: async () => undefined,
    });
    await reconcileSchedules(stage.client, { project: 'shop', schedules: [schedule], settings: SETTINGS });
    handle = handleOf(`walflow/shop/${schedule.name}`);
    await handle.pause();
  });

  /** Of the workflows that Temporal started for it, in that order. */
  const ticks = async () => {
    const { recentActions } = (await handle.describe()).info;
    return recentActions.map(({ action }) => stage.client.workflow.getHandle(action.workflow.workflowId));
  };
  const ended = async (count: number) => {
    const all = await vi.waitFor(async () => {
      const found = await ticks();
      expect(found).toHaveLength(count);
      return found;
    }, PATIENCE);
    return await Promise.all(all.map((tick) => tick.result()));
  };

  test('that is triggered starts a run by its id, and says which', async () => {
    const now = Date.now();
    await handle.trigger();
    const [result] = await ended(1);
    const [[id, run] = []] = [...memory.runs];
    expect(result).toEqual({ run: id });
    expect(run?.cause).toMatchObject({ kind: 'schedule', name: expect.stringContaining('daily') });
    expect(run?.steps.map(({ asset }) => asset)).toEqual(['a/days', 'a/whole']);
    const yesterday = new Date(now - DAY_MS).toISOString().slice(0, 10);
    expect(memory.partitions, 'what the last tick would have done').toContain(yesterday);
    expect(await stage.client.workflow.getHandle(`run/${id}`).describe()).toMatchObject({
      ...{ type: 'run', status: { name: 'COMPLETED' } },
      parentExecution: { workflowId: expect.stringMatching(/^scheduled\/shop\/daily/) },
    });
  });

  test('that catches up does each partition once, in whatever order its ticks come, and however often', async () => {
    const today = Date.parse(new Date().toISOString().slice(0, 10));
    const days = (ago: number) => new Date(today - ago * DAY_MS);
    // Ticks of these mornings, at once; then again.
    const mornings = { start: days(6), end: days(1), overlap: 'ALLOW_ALL' } as const;
    await handle.backfill(mornings);
    const first = await ended(5);
    expect(first.flatMap(({ run }) => run ?? []).sort()).toEqual([...memory.runs.keys()].sort());
    await handle.backfill(mornings);
    const second = await ended(10);
    expect(second.flatMap(({ run }) => run ?? [])).toEqual([]);
    const listed = memory.partitions;
    expect(new Set(listed).size, 'none twice').toBe(listed.length);
    const lastMorning = Date.now() - today >= 7 * 3_600_000 ? 1 : 2;
    const last = listed.indexOf(days(lastMorning).toISOString().slice(0, 10));
    expect(last, 'up to the last nominal time').toBe(listed.length - 1);
    for (const [i, key] of listed.entries()) {
      expect(key, 'none is left out').toBe(
        days(lastMorning + last - i)
          .toISOString()
          .slice(0, 10),
      );
    }
  });

  test('goes on as long as its run does, so that Temporal sees when ticks would overlap', async () => {
    const held = Promise.withResolvers<StepOutcome>();
    const begun = Promise.withResolvers<void>();
    step = async () => {
      begun.resolve();
      return await held.promise;
    };
    await handle.trigger('SKIP');
    await begun.promise;
    const [tick] = await ticks();
    const ends = tick?.result().then(() => 'ends');
    expect(await Promise.race([ends, sleep(WHILE_MS, 'goes on')])).toBe('goes on');
    expect((await handle.describe()).info.runningActions).toHaveLength(1);
    held.resolve(DONE);
    expect(await ends).toBe('ends');
  });

  test('whose run fails shows that', async () => {
    step = async () => {
      throw ApplicationFailure.nonRetryable('no such column', 'ASSET_FAILED');
    };
    await handle.trigger();
    await expect(ended(1)).rejects.toThrow();
    const [tick] = await ticks();
    expect((await tick?.describe())?.status.name).toBe('FAILED');
  });
});
