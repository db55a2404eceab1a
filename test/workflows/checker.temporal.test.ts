// Every ring is lost: the checkers of merge and automation look once a minute all the same.

import { describe, expect, test, vi } from 'vitest';
import { automationWorkflowId, mergeWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import { freshPipelineName } from '../support/unique.ts';
import { ScriptedRuns } from './scripted-runs.ts';
import { freshStage } from './stage.ts';

const PATIENCE = { timeout: 120_000, interval: 500 };

describe('lost rings', { timeout: 180_000 }, () => {
  const stage = freshStage();

  test('are made up for within a minute', async () => {
    const name = freshPipelineName();
    const log = { landed: 1, merged: 0 };
    const runs = new ScriptedRuns();
    stage.play({
      mergePending: async () => {
        log.merged = log.landed;
        return { merged: null, mergedLsn: '0000000000000000', more: false, resync: [], rejected: [] };
      },
      ...runs.script,
    });
    const taskQueue = warehouseQueue('main');
    const merge = await stage.client.workflow.start('merge', {
      ...{ workflowId: mergeWorkflowId(name), taskQueue, args: [{ pipeline: name }] },
    });
    const automation = await stage.client.workflow.start('automation', {
      ...{ workflowId: automationWorkflowId(name), taskQueue, args: [{ project: name }] },
    });
    await vi.waitFor(() => expect(log.merged).toBe(1), PATIENCE);
    await vi.waitFor(
      async () => expect((await automation.fetchHistory()).events?.at(-1)?.timerStartedEventAttributes).toBeTruthy(),
      PATIENCE,
    );
    log.landed = 2;
    runs.change('analytics/a');
    await vi.waitFor(() => expect([log.merged, runs.ended.length]).toEqual([2, 1]), PATIENCE);
    await merge.terminate();
    await automation.terminate();
  });
});
