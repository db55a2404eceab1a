// Why a run stands still is read from Temporal: whom its activity waits for, or the failure it retries after.

import { Context } from '@temporalio/activity';
import { describe, expect, test, vi } from 'vitest';
import { ingestEntity, reconcileEntity } from '../../workers/temporal/entity-workflow.ts';
import { Standstills } from '../../workers/temporal/standstill.ts';
import { freshPipelineName } from '../support/unique.ts';
import { freshStage, streamForever } from './stage.ts';

const PATIENCE = { timeout: 30_000, interval: 200 };
const SETTINGS = { heartbeatTimeoutSeconds: 10, searchAttributes: false };
const BLOCKER = {
  pid: 12,
  prepared: null,
  database: 'shop',
  applicationName: 'psql',
  user: 'app',
  state: 'idle in transaction',
  seconds: 61,
};
const PREPARED = { ...BLOCKER, pid: null, prepared: 'x1', applicationName: '', state: 'prepared' };

describe('a run that stands still', { timeout: 60_000 }, () => {
  const stage = freshStage();
  const reasonOf = (workflowId: string) => new Standstills(stage.client).of(workflowId);

  test('names who is waited for while the activity waits, and nobody once it goes on', async () => {
    const ingest = ingestEntity(freshPipelineName());
    const held = Promise.withResolvers<void>();
    stage.play({
      prepareSource: async () => {
        const beat = setInterval(() => Context.current().heartbeat({ waitingFor: [BLOCKER, PREPARED] }), 500);
        await held.promise;
        clearInterval(beat);
        return { pendingSnapshots: [], tables: 1, notices: [] };
      },
      streamChanges: streamForever,
    });
    await reconcileEntity(stage.client, ingest, SETTINGS);
    const reason =
      'it waits for transactions on the source to end: pid 12 (psql, user app, database shop, idle in transaction, 61 s), ' +
      'prepared transaction "x1" (user app, database shop, prepared, 61 s)';
    await vi.waitFor(async () => expect(await reasonOf(ingest.workflowId)).toBe(reason), PATIENCE);
    held.resolve();
    await vi.waitFor(async () => expect(await reasonOf(ingest.workflowId)).toBeNull(), PATIENCE);
    await stage.client.workflow.getHandle(ingest.workflowId).terminate();
  });
});
