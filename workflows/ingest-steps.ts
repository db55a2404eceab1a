// The steps of ingest/<pipeline>: how its activities are called, how a first copy is started.

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ActivityCancellationType, ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { INGEST_QUEUE, snapshotWorkflowId } from './model/names.ts';
import type { PendingSnapshot, PipelineInput } from './model/run.ts';
import { attributesOf } from './search-attributes.ts';
import { snapshot } from './snapshot.ts';

/** Activities of the ingest queue. One attempt each: the workflow's own backoff decides when to try again. */
export function ingestActivities(input: PipelineInput) {
  const { streamChanges } = proxyActivities<Activities>({
    taskQueue: INGEST_QUEUE,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: `${input.heartbeatTimeoutSeconds} seconds`,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 1 },
    summary: `stream ${input.pipeline}: log → lake`,
  });
  const { prepareSource } = proxyActivities<Activities>({
    taskQueue: INGEST_QUEUE,
    // Creating a slot waits for every running transaction of the source; the activity heartbeats meanwhile.
    startToCloseTimeout: '24 hours',
    heartbeatTimeout: `${input.heartbeatTimeoutSeconds} seconds`,
    retry: { maximumAttempts: 1 },
    summary: `prepare ${input.pipeline}: publication, slot, tables`,
  });
  return { prepareSource, streamChanges };
}

/** Starts the copy of one table; the id names the copy, so asking twice starts it once. */
export async function startSnapshot(input: PipelineInput, pending: PendingSnapshot): Promise<void> {
  try {
    await startChild(snapshot, {
      workflowId: snapshotWorkflowId(input.pipeline, pending.table, pending.id),
      taskQueue: INGEST_QUEUE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `first copy of ${pending.table}`,
      args: [
        {
          pipeline: input.pipeline,
          warehouse: input.warehouse,
          heartbeatTimeoutSeconds: input.heartbeatTimeoutSeconds,
          searchAttributes: input.searchAttributes,
          ...pending,
        },
      ],
      ...attributesOf(input.searchAttributes, { pipeline: input.pipeline, table: pending.table, kind: 'snapshot' }),
    });
  } catch (failure) {
    if (!(failure instanceof WorkflowExecutionAlreadyStartedError)) throw failure;
  }
}
