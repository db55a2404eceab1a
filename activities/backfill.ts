// The turns of a backfill. Idempotency key: the backfill; asked again, a turn answers the run that it stored before.

import type { BackfillTurn } from '../workflows/model/asset/backfill.ts';
import type { BackfillRef } from '../workflows/model/run.ts';
import type { WarehouseResources } from './resources.ts';

/** Notes how the backfill's last run ended, and stores its next one. */
export async function takeBackfillTurn(
  { warehouse, graph }: WarehouseResources,
  { backfill }: BackfillRef,
): Promise<BackfillTurn> {
  return await warehouse.backfillTurn({ backfill, assets: graph.derived, nowMs: Date.now() });
}

/** For a workflow that was cancelled in Temporal. */
export async function cancelBackfill({ warehouse }: WarehouseResources, { backfill }: BackfillRef): Promise<void> {
  await warehouse.setBackfill(backfill, 'cancelled', Date.now());
}
