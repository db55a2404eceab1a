// What both workers share: their options, the parts they open first, and how a Temporal worker runs until the process has
// to stop.

import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { RunSettings } from '../workflows/model/run.ts';
import { ASSET_WAREHOUSE, type ResolvedProject } from './config/project.ts';
import { connectClient, ensureSearchAttributes, type TemporalSettings } from './temporal/connection.ts';
import { TemporalDoorbell } from './temporal/doorbell.ts';
import { automationEntity, type Entity, mergeEntity, reconcileEntity } from './temporal/entity-workflow.ts';

export interface WorkerOptions {
  readonly project: ResolvedProject;
  readonly temporal: TemporalSettings;
  readonly log: Logger;
  /** Aborted = land or merge what has begun, then return. */
  readonly signal: AbortSignal;
  /** Aborted, with the reason, by a failure that nobody caught: running activities fail with it. */
  readonly broken: AbortSignal;
  /** After so many seconds without a heartbeat Temporal gives an activity to another worker. */
  readonly heartbeatTimeoutSeconds: number;
}

export interface WorkerBase {
  readonly client: Client;
  readonly doorbell: TemporalDoorbell;
  /** merge/<pipeline>, by pipeline. */
  readonly merges: ReadonlyMap<string, Entity>;
  readonly automation: Entity;
  /** For workflows that this process starts. */
  readonly settings: RunSettings;
  /** Starts a long-lived workflow, or updates the running one to the configuration. */
  readonly keep: (entity: Entity) => Promise<void>;
}

/** Connects to Temporal and prepares the doorbell. */
export async function openWorkerBase(options: WorkerOptions): Promise<WorkerBase> {
  const { project, temporal, log, heartbeatTimeoutSeconds } = options;
  const client = await connectClient(temporal);
  const { known: searchAttributes } = await ensureSearchAttributes(client);
  if (!searchAttributes)
    log.warn('the namespace lacks the search attributes of walflow: runs cannot be found by pipeline');
  const settings: RunSettings = { heartbeatTimeoutSeconds, searchAttributes };
  const pipelines = [...project.pipelines.values()];
  const merges = new Map(pipelines.map(({ name, warehouse }) => [name, mergeEntity(name, warehouse)]));
  const automation = automationEntity(project.name, ASSET_WAREHOUSE);
  const keep = async (entity: Entity) => {
    const { tag, ...before } = await reconcileEntity(client, entity, settings);
    const { workflowId, taskQueue } = entity;
    if (tag !== 'current') log.info({ workflowId, taskQueue, ...settings, before }, `the workflow was ${tag}`);
  };
  return {
    client,
    merges,
    automation,
    settings,
    keep,
    doorbell: new TemporalDoorbell(client, log, { merges, automation, settings, everyMs: everyMsOf(project) }),
  };
}

function everyMsOf({ graph }: ResolvedProject): ReadonlyMap<string, number> {
  return new Map(
    graph.derived.flatMap(({ key, definition: { everyMs } }) => (everyMs === undefined ? [] : [[key, everyMs]])),
  );
}

/** Runs workers until the signal aborts or one fails, and then until all have drained: only then may shared parts close. */
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
    // A worker that never ran would keep its connection open for ever.
    await (signal.aborted ? worker.runUntil(Promise.resolve()) : worker.run());
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
