// automation/<project>: starts a run for what is due. The decision stands in the warehouse before anything starts; the doorbell
// only says "look". Under traffic, assets with the same `every` are decided about together, once in that time; a new run of this
// workflow may decide at once.

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  condition,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { automationByAsset } from './automation-by-asset.ts';
import { backfill } from './backfill.ts';
import { event } from './messages.ts';
import type { PlannedRun } from './model/asset/run.ts';
import { backfillWorkflowId, runWorkflowId } from './model/names.ts';
import type { AutomationInput, DecideResult, RunSettings } from './model/run.ts';
import { run } from './run.ts';
import { runOptions } from './run-options.ts';
import { attributesOf } from './search-attributes.ts';
import { continueAsNew, followSettings } from './settings.ts';

const CHECK_EVERY_MS = 60_000;
/** In the Web UI. */
const RUNS_SHOWN = 10;

/** Runs until cancelled, on the queue of its warehouse. Signals: event, configure. */
export async function automation(input: AutomationInput): Promise<void> {
  if (!patched('runs')) {
    await automationByAsset(input);
    return;
  }
  const settings = followSettings(input, { kind: 'automation' });
  let rung = 0;
  setHandler(event, () => {
    rung += 1;
  });
  const { decideRuns } = proxyActivities<Activities>({
    startToCloseTimeout: '5 minutes',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds' },
    summary: 'what is due',
  });
  /** By `everyMs`: when the next decision may be made. */
  const opensMs = new Map<number, number>();
  const tried = new Set<string>();
  let lookedMs = -Infinity;
  while (!workflowInfo().continueAsNewSuggested) {
    const seen = rung;
    const nowMs = Date.now();
    const closed = [...opensMs].flatMap(([everyMs, ms]) => (ms > nowMs ? [everyMs] : []));
    // By the clock: under traffic it is rung all the time, and what was killed must not wait for quiet.
    const look = nowMs - lookedMs >= CHECK_EVERY_MS;
    if (look) lookedMs = nowMs;
    const decision: DecideResult = await decideRuns({ closed, look });
    for (const everyMs of decision.decided) opensMs.set(everyMs, nowMs + everyMs);
    // Each once: what was decided before this run of the workflow may never have started.
    const starting = [...(decision.run === null ? [] : [decision.run]), ...decision.live].filter(
      ({ id }) => !tried.has(id),
    );
    await Promise.all(starting.map((one) => start(one, settings.now)));
    await Promise.all((decision.backfills ?? []).map((id) => resume(id, settings.now)));
    for (const { id } of starting) tried.add(id);
    if (starting.length > 0) setCurrentDetails([...tried].slice(-RUNS_SHOWN).map(runWorkflowId).join('\n'));
    const waits = decision.later.map((everyMs) => Math.max(1, (opensMs.get(everyMs) ?? 0) - Date.now()));
    const wait = waits.length === 0 ? CHECK_EVERY_MS : Math.min(...waits);
    await condition(() => rung > seen || workflowInfo().continueAsNewSuggested, wait);
  }
  await continueAsNew<typeof automation>(settings.now, { project: input.project });
}

/** Not awaited: a slow run delays no other one. It outlives a continue-as-new of this workflow. */
async function start(planned: PlannedRun, settings: RunSettings): Promise<void> {
  try {
    await startChild(run, { ...runOptions(planned, settings), parentClosePolicy: ParentClosePolicy.ABANDON });
  } catch (failure) {
    if (!(failure instanceof WorkflowExecutionAlreadyStartedError)) throw failure;
  }
}

/** A backfill goes on where it was; one that runs is left alone. */
async function resume(id: string, settings: RunSettings): Promise<void> {
  try {
    await startChild(backfill, {
      workflowId: backfillWorkflowId(id),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `backfill ${id}`,
      args: [{ backfill: id, ...settings }],
      ...attributesOf(settings.searchAttributes, { kind: 'backfill' }),
    });
  } catch (failure) {
    if (!(failure instanceof WorkflowExecutionAlreadyStartedError)) throw failure;
  }
}
