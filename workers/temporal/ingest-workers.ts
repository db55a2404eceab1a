// The Temporal workers of one ingest process, on one connection: the streams' and the copies'. Both know all activities.

import type { NativeConnection, Worker } from '@temporalio/worker';
import { INGEST_QUEUE, SNAPSHOT_QUEUE } from '../../workflows/model/names.ts';
import { createWorker, createWorkerOn, type ServedActivities, type TemporalSettings } from './connection.ts';

/**
 * First copies under way in one process. Each holds a connection at the source (a table without a key also a walsender and
 * a slot, of which a server has 10) and a chunk of rows in memory; two keep the source and the encoder busy.
 */
const COPIES_AT_ONCE = 2;

export async function createIngestWorkers(
  temporal: TemporalSettings,
  activities: ServedActivities,
): Promise<{ readonly workers: readonly Worker[]; readonly connection: NativeConnection }> {
  const { worker, connection } = await createWorker(temporal, { taskQueue: INGEST_QUEUE, activities });
  const served = { taskQueue: SNAPSHOT_QUEUE, activities, activitiesAtOnce: COPIES_AT_ONCE, workflows: false };
  const copies = await createWorkerOn(connection, temporal.namespace, served);
  return { workers: [worker, copies], connection };
}
