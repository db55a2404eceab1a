// The steps of ingest/<pipeline>: how its activities are called, how a snapshot is started.

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ActivityCancellationType, ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { INGEST_QUEUE, snapshotGroupWorkflowId, snapshotWorkflowId } from './model/names.ts';
import type {
  PendingGroup,
  PendingSnapshot,
  PrepareInput,
  PrepareResult,
  RunSettings,
  StreamEnd,
} from './model/run.ts';
import { type Attributes, attributesOf } from './search-attributes.ts';
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
  const { table, id } = pending;
  const input = { pipeline, ...pending, ...settings };
  await startOnce(snapshotWorkflowId(pipeline, table, id), input, `snapshot of ${table}`, { table });
}

/** Starts one run for the snapshots of several tables; a second call starts nothing while it goes on. */
export async function startSnapshots(pipeline: string, pending: PendingGroup, settings: RunSettings): Promise<void> {
  const { group, tables, areNew } = pending;
  const input = { pipeline, tables, areNew, ...settings };
  await startOnce(snapshotGroupWorkflowId(pipeline, group), input, `snapshots of ${tables.length} small tables`, {});
}

async function startOnce(
  workflowId: string,
  input: Parameters<typeof snapshot>[0],
  staticSummary: string,
  attributes: Attributes,
): Promise<void> {
  const { pipeline, searchAttributes = false } = input;
  try {
    await startChild(snapshot, {
      workflowId,
      taskQueue: INGEST_QUEUE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary,
      args: [input],
      ...attributesOf(searchAttributes, { pipeline, ...attributes, kind: 'snapshot' }),
    });
  } catch (failure) {
    if (!(failure instanceof WorkflowExecutionAlreadyStartedError)) throw failure;
  }
}
