// snapshot/<pipeline>/<table>/<id>: one snapshot of one table. Its markers in the lake record which chunks are stored, so an
// attempt that dies is continued, never started over.

import { getExternalWorkflowHandle, proxyActivities, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { landed, snapshotProgress } from './messages.ts';
import { mergeWorkflowId, SNAPSHOT_QUEUE } from './model/names.ts';
import type { SnapshotInput, SnapshotProgress, SnapshotResult } from './model/run.ts';
import { settingsOf } from './settings.ts';

/** Reads one table in chunks, then rings the merge. Query: progress. */
export async function snapshot(input: SnapshotInput): Promise<SnapshotResult> {
  let progress: SnapshotProgress = { table: input.table, state: 'copying', rows: 0 };
  setHandler(snapshotProgress, () => progress);
  const { copyTable } = proxyActivities<Activities>({
    taskQueue: SNAPSHOT_QUEUE,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: `${settingsOf(input).heartbeatTimeoutSeconds} seconds`,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds' },
    summary: `snapshot ${input.table}`,
  });
  const result = await copyTable({ pipeline: input.pipeline, table: input.table, id: input.id });
  progress = { table: input.table, state: 'done', rows: result.rows };
  setCurrentDetails(`**${input.table}** ${result.tag}: ${result.rows} rows in ${result.chunks} chunks.`);
  try {
    await getExternalWorkflowHandle(mergeWorkflowId(input.pipeline)).signal(landed);
  } catch {
    // There is no merge workflow now: when it runs, it finds the finished snapshot by itself.
  }
  return result;
}
