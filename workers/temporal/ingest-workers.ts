// The Temporal workers of one ingest process, on one connection: one for streams, one for snapshots.

import type { NativeConnection, Worker } from '@temporalio/worker';
import { INGEST_QUEUE, SNAPSHOT_QUEUE } from '../../workflows/model/names.ts';
import { createWorker, createWorkerOn, type ServedActivities, type TemporalSettings } from './connection.ts';

/**
 * How many snapshots one process takes at once. Each holds a connection of the source (and for a table without a key a
 * walsender and a slot, of which a server has 10 by default) and a chunk of rows in memory. Two keep source and encoder busy.
 */
const SNAPSHOTS_AT_ONCE = 2;

export async function createIngestWorkers(
  temporal: TemporalSettings,
  activities: ServedActivities,
): Promise<{ readonly workers: readonly Worker[]; readonly connection: NativeConnection }> {
  const { worker, connection } = await createWorker(temporal, { taskQueue: INGEST_QUEUE, activities });
  const served = { taskQueue: SNAPSHOT_QUEUE, activities, activitiesAtOnce: SNAPSHOTS_AT_ONCE, workflows: false };
  const snapshots = await createWorkerOn(connection, temporal.namespace, served);
  return { workers: [worker, snapshots], connection };
}
