// Station 10 of a row: derived assets. What is due lives in the warehouse, written by the merge that changed an input.
// Idempotency key: the due partitions themselves; they are cleared in the transaction that recomputes them.

import { Context } from '@temporalio/activity';
import type { AssetDefinition } from '../workflows/model/asset.ts';
import { WalflowError } from '../workflows/model/errors.ts';
import type { DueRun, MaterializeInput, MaterializeResult } from '../workflows/model/run.ts';
import { NOTHING_MERGED } from '../workflows/model/watermark.ts';
import { keepRecords } from './assets/record.ts';
import type { WarehouseResources } from './resources.ts';
import { runRef } from './run-context.ts';
import { assetInputs } from './warehouse/asset-order.ts';
import { downstreamRules } from './warehouse/touch-rule.ts';

const HEARTBEAT_MS = 1_000;

/** Assets whose automation says that they run now. The run key names the newest change they have not seen. */
export async function listDueRuns(resources: WarehouseResources): Promise<readonly DueRun[]> {
  const eager = resources.assets.filter((asset) => asset.automation?.kind === 'eager').map((asset) => asset.key);
  const due = await resources.warehouse.dueAssets();
  return due.filter(({ asset }) => eager.includes(asset)).map(({ asset, seq }) => ({ asset, runKey: `seq-${seq}` }));
}

/** Recomputes what is due of one asset and keeps the records in the lake as well. */
export async function materializeAsset(
  resources: WarehouseResources,
  input: Pick<MaterializeInput, 'asset'>,
): Promise<MaterializeResult> {
  const context = Context.current();
  const alive = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await recompute(resources, assetOf(resources, input.asset));
  } finally {
    clearInterval(alive);
  }
}

async function recompute(resources: WarehouseResources, asset: AssetDefinition): Promise<MaterializeResult> {
  const startedMs = performance.now();
  const { warehouse, assets, pipelines, telemetry, doorbell } = resources;
  const records = await warehouse.materialize({
    asset,
    inputs: assetInputs(asset, assets, new Set(pipelines.keys())),
    downstream: downstreamRules(assets, asset.key),
    run: runRef(),
  });
  await keepRecords(resources, asset, records);
  telemetry.assetRan(asset.key, (performance.now() - startedMs) / 1000);
  if (records.length > 0 && assets.some((other) => other.deps.includes(asset.key))) doorbell.changed();
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

function assetOf(resources: WarehouseResources, key: string): AssetDefinition {
  const asset = resources.assets.find((one) => one.key === key);
  if (asset === undefined) throw new WalflowError('ASSET_UNKNOWN', `the project has no asset "${key}"`);
  return asset;
}
