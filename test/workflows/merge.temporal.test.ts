// merge/<pipeline> decides when to merge. Real server and workers, scripted activities.

import { Context } from '@temporalio/activity';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { describe, expect, test, vi } from 'vitest';
import { INGEST_QUEUE, ingestWorkflowId, mergeWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import type { IngestStatus, MergedUpTo, MergeResult, MergeStatus, PrepareInput } from '../../workflows/model/run.ts';
import { freshPipelineName } from '../support/unique.ts';
import { eventsOf, freshStage, streamForever } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const NOTHING: MergeResult = { merged: null, mergedLsn: '0000000000000000', more: false, resync: [], rejected: [] };

describe('merge', { timeout: 120_000 }, () => {
  const stage = freshStage();

  const start = async (pipeline = freshPipelineName()): Promise<WorkflowHandle> =>
    await stage.client.workflow.start('merge', {
      workflowId: mergeWorkflowId(pipeline),
      taskQueue: warehouseQueue('main'),
      args: [{ pipeline }],
    });
  const idle = (handle: WorkflowHandle) =>
    vi.waitFor(async () => expect((await handle.query<MergeStatus>('status')).state).toBe('idle'), PATIENCE);

  test('many rings during a run start exactly one more', async () => {
    let merges = 0;
    let finish: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    stage.play({
      mergePending: async () => {
        merges += 1;
        if (merges === 1) await held;
        return NOTHING;
      },
    });
    const handle = await start();
    await vi.waitFor(() => expect(merges).toBe(1), PATIENCE);
    for (let i = 0; i < 20; i += 1) await handle.signal('landed');
    expect(merges, 'never two at once').toBe(1);
    finish();
    await vi.waitFor(() => expect(merges).toBe(2), PATIENCE);
    await idle(handle);
    const events = await eventsOf(handle);
    expect(events.filter((event) => event.activityTaskScheduledEventAttributes)).toHaveLength(2);
    // Having served every ring it waits for the next one, or for a minute.
    expect(Number(events.at(-1)?.timerStartedEventAttributes?.startToFireTimeout?.seconds)).toBe(60);
    await handle.signal('landed');
    await vi.waitFor(() => expect(merges).toBe(3), PATIENCE);
    await handle.terminate();
  });

  test('a load may take as long as its table is large: only a missing heartbeat ends it', async () => {
    const played = Promise.withResolvers<void>();
    stage.play({
      mergePending: async () => {
        played.resolve();
        return NOTHING;
      },
    });
    const handle = await start();
    await played.promise;
    const scheduled = (await eventsOf(handle)).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    const days = (timeout: { seconds?: unknown } | null | undefined) => Number(timeout?.seconds) / 86_400;
    // An attempt that the clock ends begins again from an empty spool, and gets no further.
    expect(days(scheduled[0]?.startToCloseTimeout)).toBeGreaterThanOrEqual(7);
    expect(Number(scheduled[0]?.heartbeatTimeout?.seconds)).toBe(30);
    await handle.terminate();
  });

  test('the update mergedUpTo looks at once and answers when the position is merged', async () => {
    let mergedLsn = '0000000000000010';
    stage.play({ mergePending: async () => ({ ...NOTHING, mergedLsn }) });
    const handle = await start();
    await idle(handle);
    const update = (lsn: string) => handle.executeUpdate<MergedUpTo, [string]>('mergedUpTo', { args: [lsn] });
    expect(await update('0/10'), 'merged long ago, also as people write it').toEqual({ reached: true, mergedLsn });
    const waiting = update('0000000000000020');
    await vi.waitFor(async () => expect((await handle.query<MergeStatus>('status')).state).toBe('idle'), PATIENCE);
    mergedLsn = '0000000000000020';
    await handle.signal('landed');
    expect(await waiting).toEqual({ reached: true, mergedLsn });
    await expect(update('tomorrow'), 'refused before it is in the history').rejects.toThrow();
    await handle.terminate();
  });

  test('a run that is cancelled ends, also while it merges', async () => {
    let merges = 0;
    stage.play({
      mergePending: async () => {
        merges += 1;
        return await Context.current().cancelled;
      },
    });
    const handle = await start();
    await vi.waitFor(() => expect(merges).toBe(1), PATIENCE);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    expect(merges).toBe(1);
  });

  test('an activity that ran out of time is followed by another one without a ring', async () => {
    let merges = 0;
    stage.play({
      mergePending: async () => {
        merges += 1;
        return { ...NOTHING, more: merges < 4 };
      },
    });
    const handle = await start();
    await vi.waitFor(() => expect(merges).toBe(4), PATIENCE);
    await idle(handle);
    expect(merges).toBe(4);
    await handle.terminate();
  });

  test('what was merged is readable in history, status and current details', async () => {
    const merged = { seqFrom: 5, seqTo: 9, lsnFrom: '00000000016b3748', lsnTo: '00000000016c0000', windows: 1 };
    const result = { ...NOTHING, merged: { ...merged, rows: { 'public.orders': 42 } } };
    stage.play({ mergePending: async () => result });
    const handle = await start();
    await vi.waitFor(
      async () => expect((await handle.query<MergeStatus>('status')).last).toEqual(result.merged),
      PATIENCE,
    );
    const completed = (await eventsOf(handle)).flatMap((event) => event.activityTaskCompletedEventAttributes ?? []);
    expect(JSON.parse(String(completed[0]?.result?.payloads?.[0]?.data))).toEqual(result);
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toContain('manifests 5 to 9, up to 0/16C0000');
    expect(currentDetails).toContain('public.orders: 42 rows');
    await handle.terminate();
  });

  test('a table whose copy cannot be completed is asked for again; without an ingest workflow the merge goes on', async () => {
    const pipeline = freshPipelineName();
    const resyncs: (readonly string[])[] = [];
    const exacts: PrepareInput['exact'][] = [];
    const told: (readonly string[])[] = [];
    let merges = 0;
    stage.play({
      mergePending: async ({ rejected }) => {
        told.push(rejected);
        merges += 1;
        return { ...NOTHING, resync: ['public.orders'], rejected: [`copy ${merges}`] };
      },
      prepareSource: async ({ resync, exact }) => {
        resyncs.push(resync);
        exacts.push(exact);
        return { pendingSnapshots: [], tables: 1, notices: [] };
      },
      streamChanges: streamForever,
    });
    const handle = await start(pipeline);
    await vi.waitFor(() => expect(merges).toBe(1), PATIENCE);
    await idle(handle);
    const ingest = await stage.client.workflow.start('ingest', {
      workflowId: ingestWorkflowId(pipeline),
      taskQueue: INGEST_QUEUE,
      args: [{ pipeline }],
    });
    await vi.waitFor(
      async () => expect((await ingest.query<IngestStatus>('status')).state).toBe('streaming'),
      PATIENCE,
    );
    await handle.signal('landed');
    await vi.waitFor(() => expect(resyncs).toEqual([[], ['public.orders']]), PATIENCE);
    expect(exacts, 'rows may move past the next copy as well').toEqual([[], ['public.orders']]);
    expect(told.slice(0, 2)).toEqual([[], ['copy 1']]);
    await handle.terminate();
    await ingest.terminate();
  });
});
