// Takes the snapshots of many small tables, one after the other. Idempotency key: that of each snapshot; a table whose
// snapshot is complete is passed over.

import { Context } from '@temporalio/activity';
import type { PendingSnapshot, SnapshotGroupOrder, SnapshotResult } from '../workflows/model/run.ts';
import { type IngestResources, pipelineOf } from './resources.ts';
import { CaptureList } from './snapshot/capture-list.ts';
import { HeldSource } from './snapshot/held-source.ts';
import { takeInTurn } from './snapshot/in-turn.ts';
import type { SnapshotPlaces } from './snapshot/places.ts';
import { nudge, type SnapshotRun, takeSnapshot } from './snapshot.ts';
import { openSource } from './wal/postgres/source.ts';

/** Each nudge makes a manifest, and a merge. */
const NUDGE_EVERY_MS = 3_000;

/** Ends with the first failure of a table, after all others have had their turn. */
export async function snapshotGroup(
  resources: IngestResources,
  places: SnapshotPlaces,
  { pipeline, tables, areNew }: SnapshotGroupOrder,
): Promise<SnapshotResult> {
  const { name, source, lake } = pipelineOf(resources, pipeline);
  const { info, cancellationSignal } = Context.current();
  const held = new HeldSource(() => openSource(source.url, `walflow ${name} snapshots`));
  const list = new CaptureList(lake);
  const run: SnapshotRun = { resources, places, held, list, areNew: areNew && info.attempt === 1 };
  let nudgedMs = performance.now();
  const take = async (order: PendingSnapshot) => {
    const result = await takeSnapshot(run, { pipeline, ...order });
    if (performance.now() - nudgedMs < NUDGE_EVERY_MS) return result;
    await nudge(run, pipeline);
    nudgedMs = performance.now();
    return result;
  };
  try {
    return await takeInTurn(tables, cancellationSignal, async (order) => {
      try {
        return await take(order);
      } catch (failure) {
        // What a failure leaves behind on the connection concerns no other table.
        await held.drop();
        throw failure;
      }
    });
  } finally {
    // After a failure it may be impossible: then ingest covers them by itself, within a minute.
    await nudge(run, pipeline).catch(() => {});
    await held.drop();
  }
}
