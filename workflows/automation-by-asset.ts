// How automation worked before there were runs: a `materialize` for every asset. ⚠ Only for executions that an older version
// started: their histories must replay. Once such an execution has caught up it continues as new, and then decides by runs.

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  condition,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { materialize } from './materialize.ts';
import { event } from './messages.ts';
import { innermostMessage } from './model/errors.ts';
import { materializeWorkflowId } from './model/names.ts';
import type { AutomationInput, DueRun, RunSettings } from './model/run.ts';
import { attributesOf } from './search-attributes.ts';
import { continueAsNew, followSettings } from './settings.ts';

const CHECK_EVERY = '1 minute';
/** A failed run has already tried several times: its asset rests, so that not every change of its input starts a run. */
const REST_AFTER_FAILURE = '1 minute';
/** For a materialization that an earlier run of this workflow started: it cannot be awaited. */
const ASK_AGAIN = '1 second';

interface Outcome {
  /** For the Web UI. */
  readonly text: string;
  /** How long the asset is left alone; null = not at all. */
  readonly rest: typeof REST_AFTER_FAILURE | typeof ASK_AGAIN | null;
}

export async function automationByAsset(input: AutomationInput): Promise<void> {
  const settings = followSettings(input, { kind: 'automation' });
  let rung = 0;
  const busy = new Set<string>();
  /** By `everyMs`: when the next decision may be made. */
  const opensMs = new Map<number, number>();
  const outcomes = new Map<string, string>();
  setHandler(event, () => {
    rung += 1;
  });
  const { listDueRuns } = proxyActivities<Activities>({
    startToCloseTimeout: '30 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds' },
    summary: 'assets whose inputs changed',
  });
  const run = async (due: DueRun) => {
    busy.add(due.asset);
    const againMs = Date.now() + everyMsOf(due);
    const { text, rest } = await runOne(due, settings.now);
    outcomes.set(due.asset, `- ${due.asset}: ${text}`);
    setCurrentDetails([...outcomes.values()].join('\n'));
    const leftMs = againMs - Date.now();
    if (rest !== null) await sleep(rest);
    else if (leftMs > 0) await sleep(leftMs);
    busy.delete(due.asset);
    // Look again: changes during the run were passed over.
    rung += 1;
  };
  while (!workflowInfo().continueAsNewSuggested && !patched('runs-from-here')) {
    const seen = rung;
    const idle = (await listDueRuns({})).filter(({ asset }) => !busy.has(asset));
    const nowMs = Date.now();
    const waits = idle.map((due) => ({ due, ms: (opensMs.get(everyMsOf(due)) ?? nowMs) - nowMs }));
    for (const { due, ms } of waits) {
      if (ms > 0) continue;
      opensMs.set(everyMsOf(due), nowMs + everyMsOf(due));
      // Not awaited, so that a slow or failing asset does not delay others.
      run(due).catch(unlessCancelled);
    }
    const later = waits.flatMap(({ ms }) => (ms > 0 ? [ms] : []));
    const lookAgain = later.length === 0 ? CHECK_EVERY : Math.min(...later);
    await condition(() => rung > seen || workflowInfo().continueAsNewSuggested, lookAgain);
  }
  await continueAsNew<typeof automationByAsset>(settings.now, { project: input.project });
}

/** 0 in histories of older versions, which decided at every ring. */
const everyMsOf = ({ everyMs = 0 }: DueRun) => everyMs;

function unlessCancelled(failure: unknown): void {
  if (!isCancellation(failure)) throw failure;
}

/** A failed run leaves its partitions due, to be tried again later. */
async function runOne(due: DueRun, settings: RunSettings): Promise<Outcome> {
  try {
    const { partitions, rows } = await executeChild(materialize, {
      workflowId: materializeWorkflowId(due.asset, due.runKey),
      // It outlives a continue-as-new of this workflow; the next run finds it under the same id.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `materialize ${due.asset}`,
      args: [{ asset: due.asset, ...settings }],
      ...attributesOf(settings.searchAttributes, { asset: due.asset, kind: 'materialize' }),
    });
    return { text: `${partitions} partitions, ${rows} rows`, rest: null };
  } catch (failure) {
    if (failure instanceof WorkflowExecutionAlreadyStartedError) return { text: 'running', rest: ASK_AGAIN };
    return { text: innermostMessage(failure), rest: REST_AFTER_FAILURE };
  }
}
