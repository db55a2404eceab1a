// The ingest worker: streams every pipeline of the project into its lake, and takes snapshots meanwhile.

import { createIngestActivities } from '../activities/index.ts';
import type { IngestTelemetry } from '../activities/resources.ts';
import { openPipelines } from './pipeline-resources.ts';
import { ingestEntity } from './temporal/entity-workflow.ts';
import { createIngestWorkers } from './temporal/ingest-workers.ts';
import { WALFLOW_VERSION } from './version.ts';
import { openWorkerBase, runUntilAborted, type WorkerOptions } from './worker-process.ts';

/** Runs until the signal aborts; lands what is complete before it returns. */
export async function runIngestWorker(options: WorkerOptions & { readonly telemetry: IngestTelemetry }): Promise<void> {
  const { project, temporal, log, signal, broken, telemetry } = options;
  const base = await openWorkerBase(options);
  const { workers, connection } = await createIngestWorkers(
    temporal,
    createIngestActivities({
      version: WALFLOW_VERSION,
      pipelines: openPipelines(project),
      doorbell: base.doorbell,
      log,
      broken,
      telemetry,
    }),
  );
  for (const pipeline of project.pipelines.keys()) {
    await base.keep(ingestEntity(pipeline));
    // Something may have landed before this process started.
    base.doorbell.landed(pipeline);
  }
  try {
    await runUntilAborted(workers, signal);
  } finally {
    base.doorbell.close();
    await connection.close();
    await base.client.connection.close();
  }
}
