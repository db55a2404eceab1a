// A tick of a schedule: plans the run of what has ended. Idempotency key: the id of the run, which the tick's workflow chose;
// and what is handled stands in the warehouse, so that no other tick plans it again.

import type { PlannedRun } from '../workflows/model/asset/run.ts';
import type { TickInput } from '../workflows/model/asset/schedule.ts';
import { scheduledAssets, scheduledSteps } from '../workflows/model/asset/scheduled-step.ts';
import { WalflowError } from '../workflows/model/errors.ts';
import { workOfTick } from './assets/nominal-time.ts';
import type { WarehouseResources } from './resources.ts';

/** Null = all that the tick stands for is handled, or nothing has ended. */
export async function planTick(
  { graph, warehouse }: Pick<WarehouseResources, 'graph' | 'warehouse'>,
  { id, name, materialize, ...tick }: TickInput,
): Promise<PlannedRun | null> {
  const assets = scheduledAssets(graph, materialize);
  if (assets.length === 0) {
    throw new WalflowError('ASSET_UNKNOWN', `schedule ${name} materializes ${materialize}, which selects no asset`, {
      hint: 'run `walflow deploy`: its configuration has changed',
    });
  }
  return await warehouse.planTick({
    ...{ id, schedule: name, nowMs: Date.now() },
    cause: { kind: 'schedule', name, at: new Date(tick.nominalMs).toISOString() },
    plan: (handledMs) => {
      const work = workOfTick(tick, handledMs);
      if (work === null) return null;
      const steps = scheduledSteps(assets, work.span).map((step) => ({ scope: 'listed' as const, ...step }));
      return { steps, handledMs: work.handledMs };
    },
  });
}
