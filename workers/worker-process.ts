// What both workers share: the options they are run with, the parts opened first, and how a Temporal worker is run until
// the process is told to stop.

import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { AutomationInput, PipelineInput } from '../workflows/model/run.ts';
import { ASSET_WAREHOUSE, type ResolvedProject } from './config/project.ts';
import { pipelineInputs } from './pipeline-resources.ts';
import { connectClient, ensureSearchAttributes, type TemporalSettings } from './temporal/connection.ts';
import { TemporalDoorbell } from './temporal/doorbell.ts';

export interface WorkerOptions {
  readonly project: ResolvedProject;
  readonly temporal: TemporalSettings;
  readonly log: Logger;
  /** Aborted = land or merge what is under way, then return. */
  readonly signal: AbortSignal;
  /** Silence after which Temporal gives an activity to another worker. */
  readonly heartbeatTimeoutSeconds: number;
}

export interface WorkerBase {
  readonly client: Client;
  readonly doorbell: TemporalDoorbell;
  readonly pipelines: ReadonlyMap<string, PipelineInput>;
  readonly automation: AutomationInput;
}

/** Connects to Temporal and prepares the doorbell. */
export async function openWorkerBase(options: WorkerOptions): Promise<WorkerBase> {
  const { project, temporal, log, heartbeatTimeoutSeconds } = options;
  const client = await connectClient(temporal);
  const searchAttributes = await ensureSearchAttributes(client);
  if (!searchAttributes)
    log.warn('the namespace lacks the search attributes of walflow: runs cannot be found by pipeline');
  const pipelines = pipelineInputs(project, heartbeatTimeoutSeconds, searchAttributes);
  const automation = { project: project.name, warehouse: ASSET_WAREHOUSE, heartbeatTimeoutSeconds, searchAttributes };
  return { client, pipelines, automation, doorbell: new TemporalDoorbell(client, log, pipelines, automation) };
}

/** Runs workers until the signal aborts or one of them fails, then until all have drained: only then may what they share close. */
export async function runUntilAborted(workers: readonly Worker[], signal: AbortSignal): Promise<void> {
  const failed = new AbortController();
  const end = AbortSignal.any([signal, failed.signal]);
  const runs = workers.map((worker) => runOne(worker, end).finally(() => failed.abort()));
  await Promise.allSettled(runs);
  await Promise.all(runs);
}

async function runOne(worker: Worker, signal: AbortSignal): Promise<void> {
  const stop = () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) return;
    await worker.run();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
