// The ingest worker: streams every pipeline of the project into its lake, and makes first copies beside that.

import type { NativeConnection, Worker } from '@temporalio/worker';
import { createIngestActivities } from '../activities/index.ts';
import type { IngestTelemetry } from '../activities/resources.ts';
import { COPY_QUEUE, INGEST_QUEUE } from '../workflows/model/names.ts';
import { openPipelines } from './pipeline-resources.ts';
import { createWorker, createWorkerOn, type ServedActivities, type TemporalSettings } from './temporal/connection.ts';
import { startIngest } from './temporal/entity-workflow.ts';
import { WALFLOW_VERSION } from './version.ts';
import { openWorkerBase, runUntilAborted, type WorkerOptions } from './worker-process.ts';

/**
 * First copies under way in one process. Each holds a connection at the source (a table without a key also a walsender and
 * a slot, of which a server has 10) and a chunk of rows in memory; two keep the source and the encoder busy.
 */
export const COPIES_AT_ONCE = 2;

/** Runs until the signal aborts; what is complete is landed before it returns. */
export async function runIngestWorker(options: WorkerOptions & { readonly telemetry: IngestTelemetry }): Promise<void> {
  const { project, temporal, log, signal, telemetry } = options;
  const base = await openWorkerBase(options);
  const { workers, connection } = await createIngestWorkers(
    temporal,
    createIngestActivities({
      version: WALFLOW_VERSION,
      pipelines: openPipelines(project),
      doorbell: base.doorbell,
      log,
      telemetry,
    }),
  );
  for (const input of base.pipelines.values()) {
    await startIngest(base.client, input);
    // Whatever landed before this process lived: look once.
    base.doorbell.landed(input.pipeline);
  }
  try {
    await runUntilAborted(workers, signal);
  } finally {
    base.doorbell.close();
    await connection.close();
    await base.client.connection.close();
  }
}

/** The workers of one process, on one connection: the streams' and the copies'. Both know all activities. */
export async function createIngestWorkers(
  temporal: TemporalSettings,
  activities: ServedActivities,
): Promise<{ readonly workers: readonly Worker[]; readonly connection: NativeConnection }> {
  const { worker, connection } = await createWorker(temporal, { taskQueue: INGEST_QUEUE, activities });
  const served = { taskQueue: COPY_QUEUE, activities, activitiesAtOnce: COPIES_AT_ONCE, workflows: false };
  const copies = await createWorkerOn(connection, temporal.namespace, served);
  return { workers: [worker, copies], connection };
}
