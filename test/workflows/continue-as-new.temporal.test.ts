// Continue-as-new under load: thousands of signals, a server that suggests it after few events, and nothing gets lost. It
// must not wait for an idle moment: under load there is none, and 10,000 signals end a run.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { describe, expect, test, vi } from 'vitest';
import {
  automationWorkflowId,
  INGEST_QUEUE,
  ingestWorkflowId,
  mergeWorkflowId,
  runWorkflowId,
  warehouseQueue,
} from '../../workflows/model/names.ts';
import type { IngestStatus } from '../../workflows/model/run.ts';
import { freshFolder } from '../support/folder.ts';
import { freshTemporal } from '../support/temporal-server.ts';
import { freshPipelineName } from '../support/unique.ts';
import { DONE, ScriptedRuns } from './scripted-runs.ts';
import { freshStage, streamForever } from './stage.ts';

const SUGGEST_AFTER_EVENTS = 200;
const SIGNALS = 2_400;
const LANES = 4;
/** Bounds the signals of one workflow task: a loaded machine must not spend the sandbox's five seconds on one. */
const MAX_BEHIND = 300;
const PATIENCE = { timeout: 90_000, interval: 250 };

describe('continue-as-new', { timeout: 300_000 }, () => {
  const temporal = freshTemporal(freshFolder(), SUGGEST_AFTER_EVENTS);
  const stage = freshStage(temporal.address);

  test('a merge under thousands of rings goes on in run after run and misses no manifest', async () => {
    const pipeline = freshPipelineName();
    const workflowId = mergeWorkflowId(pipeline);
    const log = { landed: 0, merged: 0, open: 0, atOnce: 0 };
    stage.play({
      mergePending: async () => {
        log.open += 1;
        log.atOnce = Math.max(log.atOnce, log.open);
        log.merged = log.landed;
        log.open -= 1;
        return { merged: null, mergedLsn: '0000000000000000', more: false, resync: [], rejected: [] };
      },
    });
    const input = { pipeline };
    const options = { workflowId, taskQueue: warehouseQueue('main'), signal: 'landed', args: [input] };
    const ring = async () => {
      log.landed += 1;
      await stage.client.workflow.signalWithStart('merge', options);
    };
    await ringOn(ring, () => log.landed - log.merged);
    await vi.waitFor(() => expect(log.merged).toBe(SIGNALS), PATIENCE);
    expect(log.atOnce).toBe(1);
    const runs = await chainOf(stage.client, workflowId);
    expect(runs.at(-1)?.status.name).toBe('RUNNING');
    const former = runs.slice(0, -1);
    expect(former.length).toBeGreaterThanOrEqual(3);
    expect(new Set(former.map((run) => run.status.name))).toEqual(new Set(['CONTINUED_AS_NEW']));
    await stage.client.workflow.getHandle(workflowId).terminate();
  });

  test('an ingest under messages goes on in run after run, and carries a pause and the tables to copy along', async () => {
    const pipeline = freshPipelineName();
    const workflowId = ingestWorkflowId(pipeline);
    const figures = { open: 0, atOnce: 0, resync: [] as readonly string[] };
    stage.play({
      prepareSource: async ({ resync }) => {
        // A run that goes on again soon after has nothing left to copy.
        if (resync.length > 0) figures.resync = resync;
        return { pendingSnapshots: [], tables: 1, notices: [] };
      },
      streamChanges: async () => {
        figures.open += 1;
        figures.atOnce = Math.max(figures.atOnce, figures.open);
        try {
          return await streamForever();
        } finally {
          figures.open -= 1;
        }
      },
    });
    const handle = await stage.client.workflow.start('ingest', {
      ...{ workflowId, taskQueue: INGEST_QUEUE },
      args: [{ pipeline }],
    });
    const { firstExecutionRunId } = handle;
    const current = stage.client.workflow.getHandle(workflowId);
    await vi.waitFor(() => expect(figures.open).toBe(1), PATIENCE);
    await current.signal('pause');
    await current.signal('resyncTable', 'public.orders');
    for (let i = 0; i < SUGGEST_AFTER_EVENTS; i += 1) await current.signal('addTables');
    await vi.waitFor(async () => {
      expect((await current.describe()).runId, 'a paused run continues as new, too').not.toBe(firstExecutionRunId);
    }, PATIENCE);
    expect((await current.query<IngestStatus>('status')).state).toBe('paused');
    expect(figures.open).toBe(0);
    await current.signal('resume');
    await vi.waitFor(() => expect(figures).toMatchObject({ open: 1, resync: ['public.orders'] }), PATIENCE);
    const before = (await chainOf(stage.client, workflowId)).length;
    await vi.waitFor(async () => {
      await current.signal('addTables');
      expect((await chainOf(stage.client, workflowId)).length).toBeGreaterThan(before);
    }, PATIENCE);
    await vi.waitFor(() => expect(figures.open).toBe(1), PATIENCE);
    expect(figures.atOnce, 'the old stream ends before the new one begins').toBe(1);
    await current.terminate();
  });

  test('an automation continues as new while an asset is recomputed, and finds that run again', async () => {
    const project = freshPipelineName();
    const workflowId = automationWorkflowId(project);
    let finish: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const runs = new ScriptedRuns({
      outcome: async () => {
        await held;
        return DONE;
      },
    });
    runs.change('a/slow');
    stage.play(runs.script);
    const options = { workflowId, taskQueue: warehouseQueue('main'), signal: 'event', args: [{ project }] };
    await vi.waitFor(
      async () => {
        await stage.client.workflow.signalWithStart('automation', options);
        expect((await chainOf(stage.client, workflowId)).length).toBeGreaterThanOrEqual(3);
      },
      { ...PATIENCE, interval: 20 },
    );
    const [live] = runs.live;
    const running = await stage.client.workflow.getHandle(runWorkflowId(live?.id ?? '')).describe();
    expect(running.status.name, 'it outlives the run that started it').toBe('RUNNING');
    expect(runs.steps).toEqual(['a/slow']);
    finish();
    await vi.waitFor(() => expect(runs.live).toEqual([]), PATIENCE);
    expect(runs.steps).toEqual(['a/slow']);
    await stage.client.workflow.getHandle(workflowId).terminate();
  });
});

/** As fast as the server takes them, while the workflow is always behind but never by much. */
async function ringOn(send: () => Promise<void>, behind: () => number): Promise<void> {
  const lane = async () => {
    for (let i = 0; i < SIGNALS / LANES; i += 1) {
      await send();
      while (behind() > MAX_BEHIND) await sleep(20);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** The runs of one workflow id, oldest first. */
async function chainOf(client: Client, workflowId: string): Promise<readonly WorkflowExecutionInfo[]> {
  const runs: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) runs.push(run);
  return runs.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
}
