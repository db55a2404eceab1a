// The workflows of a pipeline, controlled from the command line: see which run, stop them, begin a new epoch.

import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { WalflowError } from '../../workflows/model/errors.ts';
import { automationWorkflowId, INGEST_QUEUE, ingestWorkflowId, mergeWorkflowId } from '../../workflows/model/names.ts';
import type { PipelineInput } from '../../workflows/model/run.ts';
import { attributesOf } from '../../workflows/search-attributes.ts';
import type { ResolvedProject } from '../config/project.ts';

/** Ingest needs a few seconds to land what it holds; without a worker the request is never heard. */
const CANCEL_WAIT_MS = 15_000;

/** Ids of the workflows that live as long as the project, in the order they are started. */
export function entityWorkflowIds(project: ResolvedProject): readonly string[] {
  const pipelines = [...project.pipelines.keys()];
  return [
    ...pipelines.map(ingestWorkflowId),
    ...pipelines.map(mergeWorkflowId),
    ...(project.graph.derived.length === 0 ? [] : [automationWorkflowId(project.name)]),
  ];
}

export async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING';
  } catch (failure) {
    if (failure instanceof WorkflowNotFoundError) return false;
    throw failure;
  }
}

/** Cancels a run and waits for its end; terminates it if no worker hears. False when nothing ran. */
export async function stopRun(client: Client, workflowId: string): Promise<boolean> {
  if (!(await isRunning(client, workflowId))) return false;
  const handle = client.workflow.getHandle(workflowId);
  await handle.cancel();
  const ended = handle.result().then(
    () => true,
    () => true,
  );
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, CANCEL_WAIT_MS, false);
  });
  const heard = await Promise.race([ended, patience]);
  clearTimeout(timer);
  if (!heard) await handle.terminate('no worker heard the request to stop');
  return true;
}

/** @throws WalflowError PIPELINE_UNKNOWN */
export function inputOf(pipelines: ReadonlyMap<string, PipelineInput>, name: string): PipelineInput {
  const input = pipelines.get(name);
  if (input === undefined) throw new WalflowError('PIPELINE_UNKNOWN', `the project has no pipeline "${name}"`);
  return input;
}

/**
 * Replaces the ingest run by one that makes a new slot and takes a new snapshot of every table. Works without a worker too:
 * the run then waits for one.
 */
export async function beginNewEpoch(
  client: Client,
  pipelines: ReadonlyMap<string, PipelineInput>,
  name: string,
): Promise<void> {
  const input = inputOf(pipelines, name);
  const { pipeline, searchAttributes } = input;
  await client.workflow.start('ingest', {
    workflowId: ingestWorkflowId(pipeline),
    workflowIdConflictPolicy: 'TERMINATE_EXISTING',
    taskQueue: INGEST_QUEUE,
    args: [{ ...input, paused: false, resync: [], newEpoch: true }],
    staticSummary: `ingest ${pipeline}: log → lake, new epoch`,
    ...attributesOf(searchAttributes, { pipeline, kind: 'ingest' }),
  });
}
