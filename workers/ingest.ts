// The ingest worker: streams every pipeline of the project into its lake.

import { createIngestActivities } from '../activities/index.ts';
import type { IngestTelemetry } from '../activities/resources.ts';
import { INGEST_QUEUE } from '../workflows/model/names.ts';
import { startIngest } from './entity-workflow.ts';
import { openPipelines } from './pipeline-resources.ts';
import { createWorker } from './temporal.ts';
import { WALFLOW_VERSION } from './version.ts';
import { openWorkerBase, runUntilAborted, type WorkerOptions } from './worker-process.ts';

/** Runs until the signal aborts; what is complete is landed before it returns. */
export async function runIngestWorker(options: WorkerOptions & { readonly telemetry: IngestTelemetry }): Promise<void> {
  const { project, temporal, log, signal, telemetry } = options;
  const base = await openWorkerBase(options);
  const { worker, connection } = await createWorker(temporal, {
    taskQueue: INGEST_QUEUE,
    activities: createIngestActivities({
      version: WALFLOW_VERSION,
      pipelines: openPipelines(project),
      doorbell: base.doorbell,
      log,
      telemetry,
    }),
  });
  for (const input of base.pipelines.values()) {
    await startIngest(base.client, input);
    // Whatever landed before this process lived: look once.
    base.doorbell.landed(input.pipeline);
  }
  try {
    await runUntilAborted(worker, signal);
  } finally {
    base.doorbell.close();
    await connection.close();
    await base.client.connection.close();
  }
}
