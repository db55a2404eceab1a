// merge/<pipeline>: woken by `landed`, it runs one activity that merges everything pending and lingers for more. The signal
// carries nothing: the manifest log is the list of work. It also looks once a minute, in case every signal was lost.

import {
  ActivityCancellationType,
  allHandlersFinished,
  condition,
  getExternalWorkflowHandle,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { runUntil } from './interruption.ts';
import { landed, mergedUpTo, mergeStatus, resyncTable } from './messages.ts';
import { type Lsn, lsnToHex, lsnToText, parseLsn } from './model/lsn.ts';
import { ingestWorkflowId } from './model/names.ts';
import type { MergeInput, MergeResult, MergeStatus, PipelineInput, RunSettings } from './model/run.ts';
import { continueAsNew, followSettings } from './settings.ts';

const CHECK_EVERY = '1 minute';
/**
 * A load takes as long as its table is large. Ended by the clock it would begin again from an empty spool, and never finish;
 * a worker that died is known by its missing heartbeats.
 */
const LONGEST_RUN = '30 days';

/**
 * Runs until cancelled, on the queue of the pipeline's warehouse: for another warehouse it is replaced by another run.
 * Signals: landed, configure. Query: status. Update: mergedUpTo.
 */
export async function merge(input: PipelineInput): Promise<void> {
  const { pipeline } = input;
  const settings = followSettings(input, { pipeline, kind: 'merge' });
  let rung = 0;
  let seen = 0;
  let status: MergeStatus = { state: 'idle', last: null };
  setHandler(landed, () => {
    rung += 1;
  });
  setHandler(mergeStatus, () => status);
  let merged: Lsn = 0n;
  let rejected: readonly string[] = [];
  const waitFor = async (lsn: string) => {
    const wanted = parseLsn(lsn);
    // This run may not have merged anything yet.
    rung += 1;
    await condition(() => merged >= wanted || workflowInfo().continueAsNewSuggested);
    return { reached: merged >= wanted, mergedLsn: lsnToHex(merged) };
  };
  setHandler(mergedUpTo, waitFor, { validator: parseLsn });

  // Continue-as-new between activities, not "only when idle": under load it is never idle, and 10,000 signals end a run. A
  // ring that is not served yet needs only one more look, which every run begins with.
  while (!workflowInfo().continueAsNewSuggested) {
    seen = rung;
    status = { ...status, state: 'merging' };
    const { now } = settings;
    const result = await runUntil(
      () => settings.now.heartbeatTimeoutSeconds !== now.heartbeatTimeoutSeconds,
      () => mergePending({ pipeline, rejected }, now),
    );
    // Otherwise its attempts would keep the old timeout for as long as they fail.
    if (result === null) continue;
    status = { state: 'idle', last: result.merged ?? status.last };
    merged = parseLsn(result.mergedLsn);
    setCurrentDetails(describe(pipeline, status));
    rejected = result.rejected;
    await requestResync(pipeline, result);
    if (rung === seen && !result.more)
      await condition(() => rung > seen || workflowInfo().continueAsNewSuggested, CHECK_EVERY);
  }
  await condition(allHandlersFinished);
  await continueAsNew<typeof merge>(settings.now, { pipeline });
}

function mergePending(input: MergeInput, settings: RunSettings): Promise<MergeResult> {
  const activities = proxyActivities<Activities>({
    startToCloseTimeout: LONGEST_RUN,
    heartbeatTimeout: `${settings.heartbeatTimeoutSeconds} seconds`,
    // Never two at once, not even while one is ending.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    // A killed worker is an attempt that failed: one that is replaced again and again must not make the next one wait long.
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 seconds' },
    summary: `merge ${input.pipeline}: lake → warehouse`,
  });
  return activities.mergePending(input);
}

async function requestResync(pipeline: string, result: MergeResult): Promise<void> {
  for (const table of result.resync) {
    try {
      await getExternalWorkflowHandle(ingestWorkflowId(pipeline)).signal(resyncTable, table, true);
    } catch {
      // Ingest does not run: the table stays `loading`, and the next merge asks again.
    }
  }
}

function describe(pipeline: string, status: MergeStatus): string {
  if (status.last === null) return `**${pipeline}**: nothing merged yet.`;
  const { seqFrom, seqTo, lsnTo, rows } = status.last;
  const tables = Object.entries(rows).map(([table, count]) => `- ${table}: ${count} rows`);
  return `**${pipeline}** merged manifests ${seqFrom} to ${seqTo}, up to ${lsnToText(parseLsn(lsnTo))}.\n\n${tables.join('\n')}`;
}
