// Settings reach workflows that run: told by `configure`, kept over continue-as-new, a merge moved to another warehouse's
// queue. Real server and workers, scripted activities.

import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { describe, expect, test, vi } from 'vitest';
import { ensureSearchAttributes } from '../../workers/temporal/connection.ts';
import {
  automationEntity,
  type Entity,
  examineEntity,
  ingestEntity,
  mergeEntity,
  reconcileEntity,
} from '../../workers/temporal/entity-workflow.ts';
import { runWorkflowId } from '../../workflows/model/names.ts';
import type { MergeResult, RunSettings } from '../../workflows/model/run.ts';
import { freshFolder } from '../support/folder.ts';
import { freshTemporal } from '../support/temporal-server.ts';
import { freshPipelineName } from '../support/unique.ts';
import { ScriptedRuns } from './scripted-runs.ts';
import { eventsOf, freshStage, streamForever } from './stage.ts';

const SUGGEST_AFTER_EVENTS = 100;
const PATIENCE = { timeout: 60_000, interval: 100 };
const NOTHING: MergeResult = { merged: null, mergedLsn: '0000000000000000', more: false, resync: [], rejected: [] };
const TEN: RunSettings = { heartbeatTimeoutSeconds: 10, searchAttributes: false };
const FORTY: RunSettings = { heartbeatTimeoutSeconds: 40, searchAttributes: false };

describe('settings', { timeout: 180_000 }, () => {
  const temporal = freshTemporal(freshFolder(), SUGGEST_AFTER_EVENTS);
  const stage = freshStage(temporal.address);
  const handleOf = ({ workflowId }: Entity) => stage.client.workflow.getHandle(workflowId);
  const keep = (entity: Entity, settings: RunSettings) => reconcileEntity(stage.client, entity, settings);
  const isCurrent = (entity: Entity, settings: RunSettings) =>
    vi.waitFor(
      async () => expect(await examineEntity(stage.client, entity, settings)).toEqual({ tag: 'current' }),
      PATIENCE,
    );

  test('a run is started with names, and goes by what it is told from its first activity on', async () => {
    const merge = mergeEntity(freshPipelineName(), 'main');
    stage.play({ mergePending: async () => NOTHING });
    expect(await keep(merge, TEN)).toEqual({ tag: 'missing' });
    await isCurrent(merge, TEN);
    const [first] = await eventsOf(handleOf(merge));
    const input = first?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
    expect(JSON.parse(String(input))).toEqual(merge.input);
    await vi.waitFor(async () => expect(await timeoutsOf(handleOf(merge), 'mergePending')).toEqual([10]), PATIENCE);
    expect(await keep(merge, TEN), 'said again it changes nothing').toEqual({ tag: 'current' });
    await handleOf(merge).terminate();
  });

  test('a merge under way that has another heartbeat timeout is cancelled, awaited and started again', async () => {
    const merge = mergeEntity(freshPipelineName(), 'main');
    const log = { open: 0, atOnce: 0, cancelled: 0 };
    stage.play({
      mergePending: async () => {
        log.open += 1;
        log.atOnce = Math.max(log.atOnce, log.open);
        try {
          return await streamForever();
        } finally {
          log.cancelled += 1;
          log.open -= 1;
        }
      },
    });
    await keep(merge, TEN);
    await vi.waitFor(() => expect(log.open).toBe(1), PATIENCE);
    expect(await keep(merge, FORTY)).toEqual({ tag: 'outdated', settings: TEN });
    await vi.waitFor(async () => expect(await timeoutsOf(handleOf(merge), 'mergePending')).toEqual([10, 40]), PATIENCE);
    await vi.waitFor(() => expect(log).toEqual({ open: 1, atOnce: 1, cancelled: 1 }), PATIENCE);
    await handleOf(merge).terminate();
  });

  test('a merge whose attempts fail all the time, too', async () => {
    const merge = mergeEntity(freshPipelineName(), 'main');
    stage.play({ mergePending: () => Promise.reject(new Error('the lake does not answer')) });
    await keep(merge, TEN);
    await vi.waitFor(async () => expect((await pendingOf(handleOf(merge)))?.attempt).toBeGreaterThan(2), PATIENCE);
    await keep(merge, FORTY);
    await vi.waitFor(async () => expect(await timeoutsOf(handleOf(merge), 'mergePending')).toEqual([10, 40]), PATIENCE);
    await handleOf(merge).terminate();
  });

  test('a stream is started again, and what is no setting disturbs nothing', async () => {
    const ingest = ingestEntity(freshPipelineName());
    let open = 0;
    stage.play({
      prepareSource: async () => ({ pendingSnapshots: [], tables: 1, notices: [] }),
      streamChanges: async () => {
        open += 1;
        return await streamForever().finally(() => {
          open -= 1;
        });
      },
    });
    await keep(ingest, TEN);
    await vi.waitFor(() => expect(open).toBe(1), PATIENCE);
    await handleOf(ingest).signal('configure');
    await handleOf(ingest).signal('configure', { heartbeatTimeoutSeconds: 'soon', warehouse: 'second' });
    await keep(ingest, FORTY);
    await vi.waitFor(
      async () => expect(await timeoutsOf(handleOf(ingest), 'streamChanges')).toEqual([10, 40]),
      PATIENCE,
    );
    await vi.waitFor(() => expect(open).toBe(1), PATIENCE);
    await handleOf(ingest).terminate();
  });

  test('settings go with a run that continues as new', async () => {
    const merge = mergeEntity(freshPipelineName(), 'main');
    let merges = 0;
    stage.play({
      mergePending: async () => {
        merges += 1;
        return NOTHING;
      },
    });
    await keep(merge, FORTY);
    await isCurrent(merge, FORTY);
    const { runId } = await handleOf(merge).describe();
    await vi.waitFor(
      async () => {
        await handleOf(merge).signal('landed');
        expect((await handleOf(merge).describe()).runId).not.toBe(runId);
      },
      { ...PATIENCE, interval: 10 },
    );
    const before = merges;
    await vi.waitFor(() => expect(merges).toBeGreaterThan(before), PATIENCE);
    expect(new Set(await timeoutsOf(handleOf(merge), 'mergePending'))).toEqual(new Set([40]));
    expect(await examineEntity(stage.client, merge, FORTY)).toEqual({ tag: 'current' });
    await handleOf(merge).terminate();
  });

  test('a merge that waits on a queue nobody polls any more goes on at the warehouse that is configured now', async () => {
    const pipeline = freshPipelineName();
    const [before, now] = [mergeEntity(pipeline, 'gone'), mergeEntity(pipeline, 'main')];
    stage.play({ mergePending: async () => NOTHING });
    await keep(before, TEN);
    expect(await keep(now, TEN)).toEqual({ tag: 'elsewhere', taskQueue: 'walflow-warehouse-gone' });
    await isCurrent(now, TEN);
    await vi.waitFor(async () => expect(await timeoutsOf(handleOf(now), 'mergePending')).not.toEqual([]), PATIENCE);
    const [scheduled] = (await eventsOf(handleOf(now))).flatMap((e) => e.activityTaskScheduledEventAttributes ?? []);
    expect(scheduled?.taskQueue?.name).toBe('walflow-warehouse-main');
    await handleOf(now).terminate();
  });

  test('search attributes that a namespace learns later reach runs and what they start', async () => {
    const automation = automationEntity(freshPipelineName(), 'main');
    const runs = new ScriptedRuns();
    stage.play(runs.script);
    await keep(automation, TEN);
    await isCurrent(automation, TEN);
    expect(await ensureSearchAttributes(stage.client)).toMatchObject({ known: true });
    const told = { ...TEN, searchAttributes: true };
    await keep(automation, told);
    await isCurrent(automation, told);
    const kind = defineSearchAttributeKey('WalflowRunKind', 'KEYWORD');
    expect((await handleOf(automation).describe()).typedSearchAttributes.get(kind)).toBe('automation');
    runs.change('a/b', 'a/c');
    await handleOf(automation).signal('event');
    await vi.waitFor(() => expect(runs.ended).toHaveLength(1), PATIENCE);
    const child = stage.client.workflow.getHandle(runWorkflowId(runs.ended[0]?.run ?? ''));
    const { typedSearchAttributes } = await child.describe();
    expect(typedSearchAttributes.get(kind)).toBe('run');
    expect(typedSearchAttributes.get(defineSearchAttributeKey('WalflowCause', 'KEYWORD'))).toBe('automation');
    expect(typedSearchAttributes.get(defineSearchAttributeKey('WalflowAssets', 'KEYWORD_LIST'))).toEqual([
      'a/b',
      'a/c',
    ]);
    expect(await timeoutsOf(child, 'runStep')).toEqual([10, 10]);
    await handleOf(automation).terminate();
  });
});

/** Heartbeat timeouts, in seconds, of every time an activity was scheduled. */
async function timeoutsOf(handle: WorkflowHandle, activity: string): Promise<readonly number[]> {
  return (await eventsOf(handle)).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled?.activityType?.name === activity ? [Number(scheduled.heartbeatTimeout?.seconds)] : [],
  );
}

async function pendingOf(handle: WorkflowHandle) {
  return (await handle.describe()).raw.pendingActivities?.[0];
}
