// Every recorded history is replayed against today's code: a run that began under an older version must go on under this
// one. Drop a file into the folder and it is a test; test/replay/record.ts makes new ones.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { workflowBundle } from '../../workers/temporal/workflow-bundle.ts';
import * as workflows from '../../workflows/index.ts';
import { decodeHistory, type RecordedHistory } from './history-file.ts';

const FOLDER = fileURLToPath(new URL('./histories', import.meta.url));
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const read = (file: string) => readFileSync(`${FOLDER}/${file}`, 'utf8');
const recorded = files.map((file) => ({ file, ...decodeHistory(read(file)) }));

/** What a history of a type must have met at least once, over all of its files. */
const MUST_COVER: Readonly<Record<string, readonly string[]>> = {
  ingest: [
    'signal pause',
    'signal resume',
    'signal addTables',
    'signal removeTables',
    'signal resyncTable',
    'signal configure',
    'workflowPropertiesModified',
    'activityTaskFailed',
    'activityTaskCanceled',
    'timerFired',
    'childWorkflowExecutionStarted',
    'workflowExecutionContinuedAsNew',
    'workflowExecutionCanceled',
  ],
  merge: [
    'signal landed',
    'signal configure',
    'workflowPropertiesModified',
    'activityTaskCompleted',
    'activity retried',
    'workflowExecutionContinuedAsNew',
  ],
  snapshot: ['activityTaskCompleted', 'externalWorkflowExecutionSignaled', 'workflowExecutionCompleted'],
  automation: [
    'signal event',
    'signal configure',
    'workflowPropertiesModified',
    'childWorkflowExecutionCompleted',
    'childWorkflowExecutionFailed',
    'workflowExecutionContinuedAsNew',
  ],
  materialize: ['workflowExecutionCompleted', 'workflowExecutionFailed'],
  backfill: [
    'signal event',
    'timerStarted',
    'childWorkflowExecutionCompleted',
    'workflowExecutionContinuedAsNew',
    'workflowExecutionCompleted',
    'workflowExecutionCanceled',
  ],
  run: [
    'activityTaskCompleted',
    'activityTaskFailed',
    'activityTaskCanceled',
    'workflowExecutionCompleted',
    'workflowExecutionFailed',
    'workflowExecutionCanceled',
  ],
  scheduled: [
    'activityTaskCompleted',
    'childWorkflowExecutionCompleted',
    'childWorkflowExecutionFailed',
    'workflowExecutionCompleted',
    'workflowExecutionFailed',
  ],
};

/** Null = it replays; else how the code of today departs from it. */
async function replay({
  workflowId,
  history,
}: Pick<RecordedHistory, 'workflowId' | 'history'>): Promise<string | null> {
  for await (const { error } of Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, [
    { workflowId, history },
  ])) {
    return error === undefined ? null : String(error);
  }
  return 'nothing was replayed';
}

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

describe('recorded histories', { timeout: 120_000 }, () => {
  test.each(Object.keys(workflows))('there are histories of %s, and they cover what it can meet', (type) => {
    const covered = new Set(
      recorded.filter(({ workflowType }) => workflowType === type).flatMap(({ covers }) => covers),
    );
    expect((MUST_COVER[type] ?? ['a list of what it can meet']).filter((kind) => !covered.has(kind))).toEqual([]);
  });

  test.each(recorded)('$file replays', async (one) => {
    expect(await replay(one)).toBeNull();
  });

  test('a history of other decisions does not replay', async () => {
    const one = recorded.find(({ workflowType }) => workflowType === 'snapshot');
    const events = (one?.history.events ?? []).map((event) => {
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled === undefined || scheduled === null) return event;
      return { ...event, activityTaskScheduledEventAttributes: { ...scheduled, activityType: { name: 'other' } } };
    });
    expect(await replay({ workflowId: one?.workflowId ?? '', history: { events } })).toContain('Nondeterminism');
  });

  test.each(files)('%s names no machine, path, secret or row', (file) => {
    const text = read(file);
    expect(text).not.toMatch(
      /postgres(ql)?:\/\/|password|secret|\/tmp\/|\/home\/|\/work\/|\/Users\/|node_modules|127\.0\.0\.1/i,
    );
    expect(
      [...text.matchAll(/"identity": "([^"]*)"/g)].map((match) => match[1]).filter((name) => name !== 'worker'),
    ).toEqual([]);
    expect(text, 'a value the recorder put into every row').not.toContain('cell value');
  });
});
