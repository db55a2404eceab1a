// The steps of ingest/<pipeline>: how its activities are called, how a snapshot is started.

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ActivityCancellationType, ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { INGEST_QUEUE, snapshotWorkflowId } from './model/names.ts';
import type { PendingSnapshot, PrepareInput, PrepareResult, RunSettings, StreamEnd } from './model/run.ts';
import { attributesOf } from './search-attributes.ts';
import { snapshot } from './snapshot.ts';

/** One attempt: the workflow's own backoff decides when to try again. */
export function prepareSource(input: PrepareInput, settings: RunSettings): Promise<PrepareResult> {
  const activities = proxyActivities<Activities>({
    taskQueue: INGEST_QUEUE,
    // Creating a slot waits for all running transactions of the source; the activity sends heartbeats meanwhile.
    startToCloseTimeout: '24 hours',
    heartbeatTimeout: `${settings.heartbeatTimeoutSeconds} seconds`,
    retry: { maximumAttempts: 1 },
    summary: `prepare ${input.pipeline}: publication, slot, tables`,
  });
  return activities.prepareSource(input);
}

/** One attempt, as above. When cancelled, it lands what is complete. */
export function streamChanges(pipeline: string, settings: RunSettings): Promise<StreamEnd> {
  const activities = proxyActivities<Activities>({
    taskQueue: INGEST_QUEUE,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: `${settings.heartbeatTimeoutSeconds} seconds`,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 1 },
    summary: `stream ${pipeline}: log → lake`,
  });
  return activities.streamChanges({ pipeline });
}

/** Starts the snapshot of one table. The workflow's id contains that of the snapshot, so a second call starts nothing. */
export async function startSnapshot(pipeline: string, pending: PendingSnapshot, settings: RunSettings): Promise<void> {
  try {
    await startChild(snapshot, {
      workflowId: snapshotWorkflowId(pipeline, pending.table, pending.id),
      taskQueue: INGEST_QUEUE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `snapshot of ${pending.table}`,
      args: [{ pipeline, ...pending, ...settings }],
      ...attributesOf(settings.searchAttributes, { pipeline, table: pending.table, kind: 'snapshot' }),
    });
  } catch (failure) {
    if (!(failure instanceof WorkflowExecutionAlreadyStartedError)) throw failure;
  }
}
