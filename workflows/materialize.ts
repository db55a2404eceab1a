// materialize/<asset>/<run>: recomputes what is due of one asset, then stores its record in the lake too.

import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { lsnToText, parseLsn } from './model/lsn.ts';
import type { MaterializeInput, MaterializeResult } from './model/run.ts';
import { settingsOf } from './settings.ts';

/** One materialization of one asset, on the queue of its warehouse. Repeating it recomputes only what is still due. */
export async function materialize(input: MaterializeInput): Promise<MaterializeResult> {
  const { materializeAsset } = proxyActivities<Activities>({
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: `${settingsOf(input).heartbeatTimeoutSeconds} seconds`,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds', maximumAttempts: 5 },
    summary: `recompute what is due of ${input.asset}`,
  });
  const result = await materializeAsset({ asset: input.asset });
  const upTo = lsnToText(parseLsn(result.lsnTo));
  setCurrentDetails(`**${input.asset}**: ${result.partitions} partitions, ${result.rows} rows, read at ${upTo}.`);
  return result;
}
