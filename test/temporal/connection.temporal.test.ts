import { DefaultLogger, Runtime } from '@temporalio/worker';
import { expect, inject, test } from 'vitest';
import { createWorker } from '../../workers/temporal/connection.ts';
import { runUntilAborted } from '../../workers/worker-process.ts';
import { freshTaskQueue } from '../support/unique.ts';

test('a worker that is told to stop before it runs gives its connection free', async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const at = { address: inject('servers').temporalAddress, namespace: 'default' };
  const { worker, connection } = await createWorker(at, { taskQueue: freshTaskQueue(), activities: {} });
  await runUntilAborted([worker], AbortSignal.abort());
  expect(worker.getState()).toBe('STOPPED');
  await connection.close();
});
