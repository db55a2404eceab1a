// Starts the workflows that live as long as their pipeline. Starting one that runs already changes nothing, so every
// worker may do it at every start, and losing Temporal's database costs nothing but the history.

import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import {
  automationWorkflowId,
  INGEST_QUEUE,
  ingestWorkflowId,
  mergeWorkflowId,
  warehouseQueue,
} from '../../workflows/model/names.ts';
import type { AutomationInput, PipelineInput } from '../../workflows/model/run.ts';
import { attributesOf } from '../../workflows/search-attributes.ts';

/** `ingest/<pipeline>`. */
export async function startIngest(client: Client, input: PipelineInput): Promise<void> {
  const { pipeline, searchAttributes } = input;
  await start(client, 'ingest', {
    workflowId: ingestWorkflowId(pipeline),
    taskQueue: INGEST_QUEUE,
    args: [{ ...input, paused: false, resync: [], newEpoch: false }],
    staticSummary: `ingest ${pipeline}: log → lake`,
    ...attributesOf(searchAttributes, { pipeline, kind: 'ingest' }),
  });
}

/** `merge/<pipeline>`. */
export async function startMerge(client: Client, input: PipelineInput): Promise<void> {
  const { pipeline, searchAttributes } = input;
  await start(client, 'merge', {
    workflowId: mergeWorkflowId(pipeline),
    taskQueue: warehouseQueue(input.warehouse),
    args: [input],
    staticSummary: `merge ${pipeline}: lake → warehouse`,
    ...attributesOf(searchAttributes, { pipeline, kind: 'merge' }),
  });
}

/** `automation/<project>`. */
export async function startAutomation(client: Client, input: AutomationInput): Promise<void> {
  await start(client, 'automation', {
    workflowId: automationWorkflowId(input.project),
    taskQueue: warehouseQueue(input.warehouse),
    args: [input],
    staticSummary: `automation of ${input.project}`,
    ...attributesOf(input.searchAttributes, { kind: 'automation' }),
  });
}

type StartOptions = Parameters<Client['workflow']['start']>[1] & { readonly args: unknown[] };

async function start(client: Client, type: string, options: StartOptions): Promise<void> {
  try {
    await client.workflow.start(type, options);
  } catch (failure) {
    if (!(failure instanceof WorkflowExecutionAlreadyStartedError)) throw failure;
  }
}
