// The Temporal workers of one ingest process, on one connection: one for streams, one for snapshots.

import type { NativeConnection, Worker } from '@temporalio/worker';
import { INGEST_QUEUE, SNAPSHOT_QUEUE } from '../../workflows/model/names.ts';
import { createWorker, createWorkerOn, type ServedActivities, type TemporalSettings } from './connection.ts';

/**
 * Snapshots under way in one process: two that read (`activities/snapshot/places.ts`), and one of a table without a key that
 * waits until its slot can be created. Each holds a connection of the source, such a table also a walsender and a slot.
 */
const SNAPSHOTS_AT_ONCE = 3;

export async function createIngestWorkers(
  temporal: TemporalSettings,
  activities: ServedActivities,
): Promise<{ readonly workers: readonly Worker[]; readonly connection: NativeConnection }> {
  const { worker, connection } = await createWorker(temporal, { taskQueue: INGEST_QUEUE, activities });
  const served = { taskQueue: SNAPSHOT_QUEUE, activities, activitiesAtOnce: SNAPSHOTS_AT_ONCE, workflows: false };
  const snapshots = await createWorkerOn(connection, temporal.namespace, served);
  return { workers: [worker, snapshots], connection };
}
