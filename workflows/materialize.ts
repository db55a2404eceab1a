// materialize/<asset>/<run>: recompute what is due of one asset, then keep its record in the lake as well.

import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { warehouseQueue } from './model/names.ts';
import type { MaterializeInput, MaterializeResult } from './model/run.ts';

/** One materialization of one asset; repeating it recomputes nothing that is not due any more. */
export async function materialize(input: MaterializeInput): Promise<MaterializeResult> {
  const { materializeAsset } = proxyActivities<Activities>({
    taskQueue: warehouseQueue(input.warehouse),
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '60 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds', maximumAttempts: 5 },
    summary: `recompute what is due of ${input.asset}`,
  });
  return await materializeAsset({ asset: input.asset });
}
