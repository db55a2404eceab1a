// snapshot/<pipeline>/<table>/<id>: one snapshot of one table; snapshot/<pipeline>/<group>: those of several small tables. Markers
// in the lake record which chunks are stored, so an attempt that dies is continued, never started over.

import { getExternalWorkflowHandle, proxyActivities, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { landed, snapshotProgress } from './messages.ts';
import { mergeWorkflowId, SNAPSHOT_QUEUE } from './model/names.ts';
import type { SnapshotGroupInput, SnapshotInput, SnapshotProgress, SnapshotResult } from './model/run.ts';
import { settingsOf } from './settings.ts';

/** Reads one table in chunks, or several small ones, then rings the merge. Query: progress. */
export async function snapshot(input: SnapshotInput | SnapshotGroupInput): Promise<SnapshotResult> {
  const { pipeline } = input;
  const what = 'tables' in input ? `${input.tables.length} tables` : input.table;
  let progress: SnapshotProgress = { table: what, state: 'copying', rows: 0 };
  setHandler(snapshotProgress, () => progress);
  const { copyTable, copyTables } = proxyActivities<Activities>({
    taskQueue: SNAPSHOT_QUEUE,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: `${settingsOf(input).heartbeatTimeoutSeconds} seconds`,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds' },
    summary: `snapshot ${what}`,
  });
  const result =
    'tables' in input
      ? await copyTables({ pipeline, tables: input.tables, areNew: input.areNew })
      : await copyTable({ pipeline, table: input.table, id: input.id });
  progress = { table: what, state: 'done', rows: result.rows };
  setCurrentDetails(`**${what}** ${result.tag}: ${result.rows} rows in ${result.chunks} chunks.`);
  try {
    await getExternalWorkflowHandle(mergeWorkflowId(pipeline)).signal(landed);
  } catch {
    // There is no merge workflow now: when it runs, it finds the finished snapshot by itself.
  }
  return result;
}
