// The workflows of a pipeline, controlled from the command line: see which run, stop them, begin a new epoch.

import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { ignored, safely } from '../../workflows/model/callback.ts';
import type { RunSettings } from '../../workflows/model/run.ts';
import { ingestEntity, replaceEntity } from '../temporal/entity-workflow.ts';

/** Ingest needs a few seconds to land what it holds; without a worker the request is never heard. */
const CANCEL_WAIT_MS = 15_000;

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
    timer = setTimeout(
      safely(() => resolve(false), ignored),
      CANCEL_WAIT_MS,
    );
  });
  const heard = await Promise.race([ended, patience]);
  clearTimeout(timer);
  if (!heard) await handle.terminate('no worker heard the request to stop');
  return true;
}

/**
 * Replaces the ingest run by one that makes a new slot and takes a new snapshot of every table. Works without a worker too:
 * the run then waits for one.
 */
export async function beginNewEpoch(client: Client, pipeline: string, settings: RunSettings): Promise<void> {
  const ingest = ingestEntity(pipeline);
  const input = { pipeline, newEpoch: true };
  await replaceEntity(client, { ...ingest, input, summary: `${ingest.summary}, new epoch` }, settings);
}
