// Station 10 of a row: derived assets. What is due lives in the warehouse, written by the merge that changed an input.
// Idempotency key: the due partitions themselves; they are cleared in the transaction that recomputes them.

import { Context } from '@temporalio/activity';
import type { DueRun, MaterializeInput, MaterializeResult } from '../workflows/model/run.ts';
import { recordMaterializations } from './record.ts';
import type { WarehouseResources } from './resources.ts';
import { runRef } from './run-context.ts';
import { dueAssets, materializeDue } from './warehouse/duckdb-materialize.ts';

const HEARTBEAT_MS = 5_000;

/** Assets whose automation says they run now. The run key is the newest change they have not seen. */
export async function listDueRuns(resources: WarehouseResources): Promise<readonly DueRun[]> {
  const eager = new Set(resources.assets.filter((asset) => asset.automation?.kind === 'eager').map((asset) => asset.key));
  const due = await dueAssets(resources.warehouse);
  return due.filter(({ asset }) => eager.has(asset)).map(({ asset, seq }) => ({ asset, runKey: `seq-${seq}` }));
}
