// Station 10 on a row's way: runs of derived assets. What runs is decided, computed and ended in the warehouse. Idempotency keys:
// a step is its run and number, a run its id; a decision that is repeated finds what it decided live.

import { Context } from '@temporalio/activity';
import type { DerivedAsset } from '../workflows/model/asset/graph.ts';
import type { PlannedRun, StepOutcome } from '../workflows/model/asset/run.ts';
import type { DecideInput, DecideResult, EndRunInput, RunStepInput } from '../workflows/model/run.ts';
import { runRef, withHeartbeat } from './activity.ts';
import { checkAndKeep } from './materialize.ts';
import type { WarehouseResources } from './resources.ts';

/** Steps in the answer of one look: far below what a payload may hold. The next look lists others. */
const STEPS_LISTED = 2_000;
const REMOVED: StepOutcome = { status: 'skipped', reason: 'removed', partitions: 0, unchanged: 0, rows: 0 };

/** Decides what automation runs now. */
export async function decideRuns(resources: WarehouseResources, { closed, look }: DecideInput): Promise<DecideResult> {
  const order = { assets: resources.graph.derived, closed, nowMs: Date.now() };
  const { live, ...decision } = await resources.warehouse.decide(order);
  // What a killed attempt has decided is live by now.
  if (!look && Context.current().info.attempt === 1) return { ...decision, live: [] };
  const backfills = await resources.warehouse.liveBackfills();
  return { ...decision, live: firstOf(await settled(resources, live)), backfills };
}

/** Ends runs that Temporal has closed without them: terminated by hand, for example. */
async function settled(resources: WarehouseResources, live: readonly PlannedRun[]): Promise<readonly PlannedRun[]> {
  const open: PlannedRun[] = [];
  for (const run of live) {
    const status = await resources.runLookup.endOf(run.id);
    if (status === null) open.push(run);
    else await endRun(resources, { run: run.id, status, steps: [], assets: run.steps.map(({ asset }) => asset) });
  }
  return open;
}

function firstOf(runs: readonly PlannedRun[]): readonly PlannedRun[] {
  let steps = 0;
  return runs.filter((run) => {
    steps += run.steps.length;
    return steps <= STEPS_LISTED;
  });
}

/** Computes and publishes one step, and stores its records in the lake too. */
export async function runStep(resources: WarehouseResources, input: RunStepInput): Promise<StepOutcome> {
  const { derived } = resources.graph;
  // The run may be older than the asset's name.
  const asset =
    derived.find(({ key }) => key === input.asset) ??
    derived.find(({ definition }) => definition.previousKeys?.includes(input.asset));
  if (asset === undefined) return REMOVED;
  return await withHeartbeat(
    () => ({ asset: asset.key }),
    () => compute(resources, asset, input),
  );
}

async function compute(
  resources: WarehouseResources,
  asset: DerivedAsset,
  { run, no }: RunStepInput,
): Promise<StepOutcome> {
  const startedMs = performance.now();
  const signal = Context.current().cancellationSignal;
  const { warehouse, graph, telemetry, doorbell } = resources;
  const { outcome, records } = await warehouse.runStep({ run, no, asset, attempt: runRef(), signal });
  if (outcome.partitions > outcome.unchanged) doorbell.changed(graph.readersOf(asset.key).map(({ to }) => to));
  // Behind the bell: readers of the asset do not wait for checks that change nothing. ⚠ Also of an attempt that was killed behind
  // its commit: its records may not be in the lake yet.
  if (outcome.partitions > 0) await checkAndKeep(resources, { asset, run: runRef() }, records);
  if (records.length > 0) telemetry.assetRan(asset.key, (performance.now() - startedMs) / 1000);
  return outcome;
}

/** Ends a run, or some of its steps: their assets may be due again. */
export async function endRun(
  { warehouse, doorbell }: WarehouseResources,
  { run, status, steps, assets }: EndRunInput,
): Promise<void> {
  await warehouse.endRun({ run, status, steps, nowMs: Date.now() });
  doorbell.changed(assets);
}
