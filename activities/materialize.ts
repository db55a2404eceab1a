// How assets were computed before there were runs. ⚠ Only for workflows that an older version started. What is due is read from the
// warehouse: versions of inputs that lie above the positions of records. Idempotency key: run and partition.

import type { DerivedAsset } from '../workflows/model/asset/graph.ts';
import type { Materialization } from '../workflows/model/asset/record.ts';
import type { DueRun, MaterializeInput, MaterializeResult } from '../workflows/model/run.ts';
import { NOTHING_MERGED } from '../workflows/model/watermark.ts';
import { runRef, withHeartbeat } from './activity.ts';
import { keepRecords } from './assets/record.ts';
import type { WarehouseResources } from './resources.ts';
import type { MaterializeOrder } from './warehouse/asset-order.ts';
import { checkFailure } from './warehouse/check-failure.ts';

/** Assets that run now by their automation. The run key names the newest change they have not seen. */
export async function listDueRuns(resources: WarehouseResources): Promise<readonly DueRun[]> {
  const eager = resources.graph.derived.filter(({ definition }) => definition.automation?.kind === 'eager');
  const everyMs = new Map(eager.map(({ key, definition }) => [key, definition.everyMs ?? 0]));
  const due = await resources.warehouse.dueAssets(eager);
  return due.map(({ asset, seq }) => ({ asset, runKey: `seq-${seq}`, everyMs: everyMs.get(asset) ?? 0 }));
}

/**
 * Recomputes what is due of one asset, and stores the records in the lake too.
 * @throws WalflowError ASSET_CHECK_FAILED when a part of it was not published; the others were.
 */
export async function materializeAsset(
  resources: WarehouseResources,
  input: Pick<MaterializeInput, 'asset'>,
): Promise<MaterializeResult> {
  const asset = resources.graph.asset(input.asset);
  return await withHeartbeat(
    () => ({ asset: asset.key }),
    () => recompute(resources, asset),
  );
}

/** How many records before the new ones are looked for in the lake. */
const LOOK_BACK = 50;

/** Runs the checks that keep nothing back, and stores the records with what did not pass. */
export async function checkAndKeep(
  resources: WarehouseResources,
  order: MaterializeOrder,
  records: readonly Materialization[],
): Promise<void> {
  const checks = await resources.warehouse.checkPublished(order);
  const marked = records.map((record) => (checks.length === 0 ? record : { ...record, checks }));
  await keepInLake(resources, order.asset, marked);
}

/** An asset of no single pipeline has no lake. */
async function keepInLake(
  { pipelines, warehouse }: WarehouseResources,
  { key, pipeline }: DerivedAsset,
  records: readonly Materialization[],
): Promise<void> {
  const lake = pipeline === null ? undefined : pipelines.get(pipeline)?.lake;
  if (lake === undefined) return;
  await keepRecords(lake, records, await warehouse.materializations(key, { limit: records.length + LOOK_BACK }));
}

async function recompute(resources: WarehouseResources, asset: DerivedAsset): Promise<MaterializeResult> {
  const startedMs = performance.now();
  const { warehouse, graph, telemetry, doorbell } = resources;
  const order = { asset, run: runRef() };
  const { records, withheld } = await warehouse.materialize(order);
  const changed = records.some(({ unchanged }) => unchanged !== true);
  if (changed) doorbell.changed(graph.readersOf(asset.key).map(({ to }) => to));
  // Readers of the asset do not wait for checks that change nothing.
  await checkAndKeep(resources, order, records);
  telemetry.assetRan(asset.key, (performance.now() - startedMs) / 1000);
  if (withheld.length > 0) throw checkFailure(asset.key, withheld);
  const read = records.flatMap((record) => record.inputs);
  return {
    partitions: records.length,
    rows: records.reduce((sum, record) => sum + record.rows, 0),
    seqTo: Math.max(0, ...read.map((one) => one.seqTo)),
    lsnTo:
      read
        .map((one) => one.lsnTo)
        .sort()
        .at(-1) ?? NOTHING_MERGED.endLsn,
  };
}
