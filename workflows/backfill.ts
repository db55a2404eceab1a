// backfill/<id>: computes many partitions run by run, upstream before downstream. What is done and what is left stands in the
// warehouse: started again, it goes on where it was.

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { event } from './messages.ts';
import type { BackfillTurn } from './model/asset/backfill.ts';
import type { PlannedRun } from './model/asset/run.ts';
import type { BackfillInput, RunSettings } from './model/run.ts';
import { run } from './run.ts';
import { runOptions } from './run-options.ts';
import { continueAsNew, settingsOf } from './settings.ts';

/** While another backfill has the place: there is no bell for it. */
const LOOK_AGAIN = '5 seconds';
const LOOK_WHILE_PAUSED = '10 minutes';

/** On the queue of the assets' warehouse. Signal: event (look again). */
export async function backfill(input: BackfillInput): Promise<string> {
  const { backfill: id } = input;
  const settings = settingsOf(input);
  let rung = 0;
  setHandler(event, () => {
    rung += 1;
  });
  const { takeBackfillTurn, cancelBackfill } = proxyActivities<Activities>({
    startToCloseTimeout: '5 minutes',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds' },
    summary: 'what ended, and what is next',
  });
  try {
    while (!workflowInfo().continueAsNewSuggested) {
      const seen = rung;
      const turn = await takeBackfillTurn({ backfill: id });
      setCurrentDetails(describe(turn));
      if (turn.tag === 'ended') return turn.status;
      if (turn.tag === 'run') await runToItsEnd(turn.run, settings);
      else await condition(() => rung > seen, turn.paused ? LOOK_WHILE_PAUSED : LOOK_AGAIN);
    }
  } catch (failure) {
    if (!isCancellation(failure)) throw failure;
    await CancellationScope.nonCancellable(() => cancelBackfill({ backfill: id }));
    throw failure;
  }
  return await continueAsNew<typeof backfill>(settings, { backfill: id, ...settings });
}

/** How it ended stands in the warehouse. */
async function runToItsEnd(planned: PlannedRun, settings: RunSettings): Promise<void> {
  try {
    await executeChild(run, { ...runOptions(planned, settings), parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL });
  } catch (failure) {
    // Cancelled alone, by hand, the run is one that has ended.
    if (CancellationScope.current().consideredCancelled) throw failure;
    // It was started before, by an earlier run of this workflow or by automation: it cannot be awaited.
    if (failure instanceof WorkflowExecutionAlreadyStartedError) await sleep('1 second');
  }
}

function describe(turn: BackfillTurn): string {
  if (turn.tag === 'ended') return turn.status;
  const { done, total } = turn.progress;
  return `${done} of ${total} partitions${turn.tag === 'wait' && turn.paused ? ', paused' : ''}`;
}
