// ingest/<pipeline> decides when to stream, pause and retry. Real server and workers, scripted activities.

import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { describe, expect, test, vi } from 'vitest';
import { INGEST_QUEUE, ingestWorkflowId } from '../../workflows/model/names.ts';
import type { IngestStatus, PrepareInput, PrepareResult } from '../../workflows/model/run.ts';
import { freshPipelineName } from '../support/unique.ts';
import { eventsOf, freshStage, type HistoryEvent, streamForever } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const PREPARED: PrepareResult = { pendingSnapshots: [], tables: 1, notices: [] };

describe('ingest', { timeout: 180_000 }, () => {
  const stage = freshStage();

  const start = async (over: { readonly paused?: boolean } = {}): Promise<WorkflowHandle> => {
    const pipeline = freshPipelineName();
    return await stage.client.workflow.start('ingest', {
      workflowId: ingestWorkflowId(pipeline),
      taskQueue: INGEST_QUEUE,
      args: [{ pipeline, ...over }],
    });
  };
  /** Prepares, and notes with what. */
  const preparedInto = (inputs: PrepareInput[]) => async (input: PrepareInput) => {
    inputs.push(input);
    return PREPARED;
  };
  const reaches = (handle: WorkflowHandle, state: IngestStatus['state']) =>
    vi.waitFor(async () => expect((await handle.query<IngestStatus>('status')).state).toBe(state), PATIENCE);

  test('a source that stays away is asked again after 1, 2, 4 … 60 seconds, and 1 second after a stream that ended well', async () => {
    let away = true;
    const prepareSource = vi.fn(async () => {
      if (away) throw new Error('connection refused');
      return PREPARED;
    });
    stage.play({ prepareSource, streamChanges: async () => ({ tag: 'capture-changed', tables: [] }) });
    const handle = await start();
    // Each message ends a wait early, so that the minutes need not pass; the timers in the history say how long they were.
    for (let failures = 1; failures <= 8; failures += 1) {
      await attempts(handle, failures);
      if (failures < 8) await handle.signal('addTables');
    }
    expect(timersOf(await eventsOf(handle))).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    let streamed = 0;
    away = false;
    stage.play({
      prepareSource,
      streamChanges: async () => {
        streamed += 1;
        away = true;
        return { tag: 'capture-changed', tables: [] };
      },
    });
    await handle.signal('addTables');
    await attempts(handle, 1);
    expect(streamed).toBe(1);
    expect(timersOf(await eventsOf(handle)).at(-1)).toBe(1);
    await handle.terminate();
  });

  const attempts = (handle: WorkflowHandle, count: number) =>
    vi.waitFor(async () => {
      const status = await handle.query<IngestStatus>('status');
      expect(status).toMatchObject({ state: 'waiting-to-retry', attempts: count });
      expect(status.lastFailure).toContain('connection refused');
    }, PATIENCE);

  test('a slot that can never be read on is replaced: the next preparation begins a new epoch and knows why', async () => {
    const prepared: PrepareInput[] = [];
    const streams = streamUntilCancelled();
    stage.play({
      prepareSource: preparedInto(prepared),
      streamChanges: async () => {
        if (prepared.length > 1) return await streams.activity();
        throw ApplicationFailure.create({ type: 'PUBLICATION_MISSING', message: 'publication "p" does not exist' });
      },
    });
    const handle = await start();
    await vi.waitFor(() => expect(streams.open).toBe(1), PATIENCE);
    expect(prepared).toMatchObject([
      { newEpoch: false },
      { newEpoch: true, because: expect.stringContaining('does not exist') },
    ]);
    await handle.signal('resyncTable', 'public.any');
    await vi.waitFor(() => expect(streams).toMatchObject({ open: 1, started: 2 }), PATIENCE);
    expect(prepared.at(-1)).toMatchObject({ newEpoch: false });
    await handle.terminate();
  });

  test('pause ends the stream, resume starts one, resyncTable prepares that table again', async () => {
    const prepared: PrepareInput[] = [];
    const streams = streamUntilCancelled();
    stage.play({
      prepareSource: preparedInto(prepared),
      streamChanges: streams.activity,
    });
    const handle = await start();
    await vi.waitFor(() => expect(streams.open).toBe(1), PATIENCE);
    await handle.signal('pause');
    await reaches(handle, 'paused');
    expect(streams).toMatchObject({ open: 0, started: 1 });
    await handle.signal('resyncTable', 'public.while_paused');
    expect(streams.started, 'a paused pipeline stays paused, whatever else is asked').toBe(1);
    await handle.signal('resume');
    await vi.waitFor(() => expect(streams).toMatchObject({ open: 1, started: 2 }), PATIENCE);
    await handle.signal('resyncTable', 'public.while_streaming', true);
    await vi.waitFor(() => expect(streams).toMatchObject({ open: 1, started: 3 }), PATIENCE);
    expect(prepared.map(({ resync }) => resync)).toEqual([[], ['public.while_paused'], ['public.while_streaming']]);
    expect(prepared.map(({ exact }) => exact)).toEqual([[], [], ['public.while_streaming']]);
    await handle.terminate();
  });

  test('pause while backing off waits for resume and asks the source no more', async () => {
    const prepareSource = vi.fn(async () => {
      throw new Error('connection refused');
    });
    stage.play({ prepareSource });
    const handle = await start();
    await attempts(handle, 1);
    await handle.signal('pause');
    await reaches(handle, 'paused');
    const asked = prepareSource.mock.calls.length;
    const before = (await eventsOf(handle)).length;
    for (let i = 0; i < 5; i += 1) await handle.signal('resyncTable', `public.t${i}`);
    await reaches(handle, 'paused');
    expect(prepareSource).toHaveBeenCalledTimes(asked);
    // Five signals and their workflow tasks, nothing else: no activity, no timer.
    const added = (await eventsOf(handle)).slice(before);
    expect(
      added.filter((event) => event.activityTaskScheduledEventAttributes || event.timerStartedEventAttributes),
    ).toEqual([]);
    await handle.signal('resume');
    await vi.waitFor(() => expect(prepareSource).toHaveBeenCalledTimes(asked + 1), PATIENCE);
    expect(prepareSource.mock.lastCall).toMatchObject([
      { resync: ['public.t0', 'public.t1', 'public.t2', 'public.t3', 'public.t4'] },
    ]);
    await handle.terminate();
  });

  test('a message that comes while the source is prepared is not forgotten when streaming begins', async () => {
    const streams = streamUntilCancelled();
    let finish: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    stage.play({
      prepareSource: async () => {
        await held;
        return PREPARED;
      },
      streamChanges: streams.activity,
    });
    const handle = await start();
    await vi.waitFor(
      async () => expect((await handle.describe()).raw.pendingActivities?.[0]?.attempt).toBe(1),
      PATIENCE,
    );
    await handle.signal('pause');
    finish();
    await reaches(handle, 'paused');
    expect(streams.started).toBe(0);
    await handle.terminate();
  });

  test('a stream that lived for a minute was a success: its failure is retried after one second', async () => {
    let lives = 0;
    stage.play({
      prepareSource: async () => PREPARED,
      streamChanges: async () => {
        lives += 1;
        if (lives > 2) await Promise.race([streamForever(), sleep(61_000)]);
        throw new Error('the replication stream ended');
      },
    });
    const handle = await start();
    await vi.waitFor(async () => expect(timersOf(await eventsOf(handle))).toHaveLength(3), {
      timeout: 120_000,
      interval: 1_000,
    });
    expect(timersOf(await eventsOf(handle))).toEqual([1, 2, 1]);
    await handle.terminate();
  });

  test('cancelling waits until the stream has landed what it holds', async () => {
    const streams = streamUntilCancelled(500);
    stage.play({ prepareSource: async () => PREPARED, streamChanges: streams.activity });
    const handle = await start();
    await vi.waitFor(() => expect(streams.open).toBe(1), PATIENCE);
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(streams).toMatchObject({ open: 0, landed: 1 });
  });

  test('many tables to copy: three under way at a time, and the stream does not wait for them', async () => {
    const tables = Array.from({ length: 6 }, (_, i) => ({ table: `public.t${i}`, id: 'copy-1' }));
    const streams = streamUntilCancelled();
    const copies = { open: 0, most: 0, done: 0, finish: () => {} };
    const held = new Promise<void>((resolve) => {
      copies.finish = resolve;
    });
    stage.play({
      prepareSource: async () => ({ ...PREPARED, pendingSnapshots: tables }),
      streamChanges: streams.activity,
      copyTable: async () => {
        copies.open += 1;
        copies.most = Math.max(copies.most, copies.open);
        await held;
        copies.open -= 1;
        copies.done += 1;
        return { tag: 'copied', rows: 1, chunks: 1 };
      },
    });
    const handle = await start();
    await vi.waitFor(() => {
      expect(streams.open).toBe(1);
      expect(copies.open).toBe(3);
    }, PATIENCE);
    // Long enough for the others to begin, if anything let them.
    await sleep(1_000);
    copies.finish();
    await vi.waitFor(() => expect(copies.done).toBe(tables.length), PATIENCE);
    expect(copies.most).toBe(3);
    await handle.terminate();
  });

  test('the snapshots of a group are one run, which a second start finds and leaves alone', async () => {
    const group = (digit: string) => ({
      group: `00000001-${digit}`,
      areNew: true,
      tables: ['a', 'b', 'c'].map((name) => ({ table: `public.${name}${digit}`, id: `00000001-0${digit}` })),
    });
    const streams = streamUntilCancelled();
    const taken: unknown[] = [];
    const held = Promise.withResolvers<void>();
    stage.play({
      prepareSource: async () => ({ ...PREPARED, pendingGroups: [group('1'), group('2')] }),
      streamChanges: streams.activity,
      copyTables: async (order) => {
        taken.push(order);
        await held.promise;
        return { tag: 'copied', rows: 3, chunks: 3 };
      },
    });
    const handle = await start();
    const pipeline = handle.workflowId.replace('ingest/', '');
    await vi.waitFor(() => {
      expect(streams.open).toBe(1);
      expect(taken).toHaveLength(2);
    }, PATIENCE);
    await handle.signal('resume');
    await vi.waitFor(() => expect(streams.started).toBe(2), PATIENCE);
    held.resolve();
    const run = stage.client.workflow.getHandle(`snapshot/${pipeline}/00000001-1`);
    expect(await run.result()).toEqual({ tag: 'copied', rows: 3, chunks: 3 });
    expect(taken).toEqual(['1', '2'].map((digit) => ({ pipeline, tables: group(digit).tables, areNew: true })));
    await handle.terminate();
  });
});

/** A stream that lives until it is cancelled, and needs a moment to land what it holds. */
function streamUntilCancelled(landingMs = 0) {
  const figures = {
    open: 0,
    started: 0,
    landed: 0,
    activity: async (): Promise<never> => {
      figures.open += 1;
      figures.started += 1;
      try {
        return await streamForever();
      } catch (failure) {
        await sleep(landingMs);
        if (failure instanceof CancelledFailure && failure.message !== 'NOT_FOUND') figures.landed += 1;
        throw failure;
      } finally {
        figures.open -= 1;
      }
    },
  };
  return figures;
}

/** Seconds of every timer, in order. */
function timersOf(events: readonly HistoryEvent[]): number[] {
  return events.flatMap((event) => {
    const seconds = event.timerStartedEventAttributes?.startToFireTimeout?.seconds;
    return seconds === undefined || seconds === null ? [] : [Number(seconds)];
  });
}
