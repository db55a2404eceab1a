// scheduled/<project>/<name>-<time>: one tick of a schedule. What it has to do is found and noted in the warehouse, in one
// transaction with the run that does it; here it is started and awaited, so that Temporal sees when ticks would overlap.

import {
  defineSearchAttributeKey,
  SearchAttributeType,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import {
  executeChild,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { runIdOf } from './model/asset/run.ts';
import type { ScheduledInput, ScheduledResult } from './model/asset/schedule.ts';
import { runWorkflowId } from './model/names.ts';
import { run } from './run.ts';
import { runOptions } from './run-options.ts';
import { settingsOf } from './settings.ts';

/** Set by Temporal: for which time the schedule fired. */
const NOMINAL_TIME = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/** On the queue of the assets' warehouse. */
export async function scheduled(input: ScheduledInput): Promise<ScheduledResult> {
  const { name, cron, timezone, materialize } = input;
  const { typedSearchAttributes, startTime } = workflowInfo();
  const { planTick } = proxyActivities<Activities>({
    startToCloseTimeout: '5 minutes',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds' },
    summary: materialize,
  });
  const nowMs = Date.now();
  const planned = await planTick({
    ...{ id: runIdOf(nowMs, uuid4()), name, cron, timezone, materialize, nowMs },
    nominalMs: (typedSearchAttributes.get(NOMINAL_TIME) ?? startTime).getTime(),
  });
  if (planned === null) {
    setCurrentDetails('nothing has ended that is not handled');
    return { run: null };
  }
  setCurrentDetails(runWorkflowId(planned.id));
  try {
    // It goes on if someone ends this tick by force.
    const parentClosePolicy = ParentClosePolicy.ABANDON;
    await executeChild(run, { ...runOptions(planned, settingsOf(input)), parentClosePolicy });
  } catch (failure) {
    // Automation was faster to start what is planned.
    if (!(failure instanceof WorkflowExecutionAlreadyStartedError)) throw failure;
  }
  return { run: planned.id };
}
