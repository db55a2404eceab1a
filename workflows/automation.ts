// automation/<project>: starts a materialization for every asset whose inputs changed. The list of what is due lives in
// the warehouse, written in the very transaction that changed the input; the ring only says "look".

import {
  condition,
  continueAsNew,
  executeChild,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { materialize } from './materialize.ts';
import { event } from './messages.ts';
import { materializeWorkflowId, warehouseQueue } from './model/names.ts';
import type { AutomationInput, DueRun } from './model/run.ts';
import { messageOf } from './run-text.ts';
import { attributesOf } from './search-attributes.ts';

const CHECK_EVERY = '1 minute';

/** Runs until cancelled. Signal: event. */
export async function automation(input: AutomationInput): Promise<void> {
  let rung = 0;
  let seen = 0;
  setHandler(event, () => {
    rung += 1;
  });
  const { listDueRuns } = proxyActivities<Activities>({
    taskQueue: warehouseQueue(input.warehouse),
    startToCloseTimeout: '30 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds' },
    summary: 'assets whose inputs changed',
  });
  while (!workflowInfo().continueAsNewSuggested) {
    seen = rung;
    const due = await listDueRuns({});
    const outcomes = await Promise.all(due.map((run) => runOne(input, run)));
    if (outcomes.length > 0) setCurrentDetails(outcomes.join('\n'));
    if (rung === seen) await condition(() => rung > seen || workflowInfo().continueAsNewSuggested, CHECK_EVERY);
  }
  await continueAsNew<typeof automation>(input);
}

/** A failed run leaves its partitions due: the next event or the checker tries them again; other assets go on. */
async function runOne(input: AutomationInput, due: DueRun): Promise<string> {
  try {
    const result = await executeChild(materialize, {
      workflowId: materializeWorkflowId(due.asset, due.runKey),
      taskQueue: warehouseQueue(input.warehouse),
      staticSummary: `materialize ${due.asset}`,
      args: [{ asset: due.asset, warehouse: input.warehouse }],
      ...attributesOf(input.searchAttributes, { asset: due.asset, kind: 'materialize' }),
    });
    return `- ${due.asset}: ${result.partitions} partitions, ${result.rows} rows`;
  } catch (failure) {
    return `- ${due.asset}: ${messageOf(failure)}`;
  }
}
