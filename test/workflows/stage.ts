// A stage for workflows: the real server, the product's own workers, and activities a test writes. What is tested is the
// decision; what the activities would have done is scripted.

import { Context } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, inject } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import { createWorker } from '../../workers/temporal/connection.ts';
import { createIngestWorkers } from '../../workers/temporal/ingest-workers.ts';
import { runUntilAborted } from '../../workers/worker-process.ts';
import { warehouseQueue } from '../../workflows/model/names.ts';
import { registerNamespace } from '../support/temporal-namespace.ts';
import { freshTaskQueue } from '../support/unique.ts';

/** Activities by name; one that is missing fails the run that calls it. */
export type Script = Partial<Activities>;

type HistoryEvents = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;
export type HistoryEvent = HistoryEvents[number];

const HEARTBEAT_MS = 500;

export interface Stage {
  readonly client: Client;
  /** Replaces what the activities do, for all runs from now on. */
  play(script: Script): void;
}

/** All workers, in a namespace of their own, while the tests of the calling file run. */
export function freshStage(address: () => string = () => inject('servers').temporalAddress): Stage {
  let script: Script = {};
  let client: Client | undefined;
  const ends: (() => Promise<void>)[] = [];
  // Told apart at the call, so that a test can change the play while the workers stay.
  const perform = (name: keyof Activities) => async (input: never) => {
    const activity = script[name] as ((input: never) => Promise<unknown>) | undefined;
    if (activity === undefined) throw new Error(`nobody plays ${name}`);
    return await activity(input);
  };
  const names = [
    'prepareSource',
    'streamChanges',
    'copyTable',
    'copyTables',
    'mergePending',
    'decideRuns',
    'runStep',
    'endRun',
    'planTick',
    'takeBackfillTurn',
    'cancelBackfill',
  ];
  const activities = Object.fromEntries(names.map((name) => [name, perform(name as keyof Activities)]));

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const at = { address: address(), namespace: freshTaskQueue() };
    await registerNamespace(at.address, at.namespace);
    const connection = await Connection.connect({ address: at.address });
    client = new Client({ connection, namespace: at.namespace });
    const warehouse = await createWorker(at, { taskQueue: warehouseQueue('main'), activities });
    const ingest = await createIngestWorkers(at, activities);
    for (const { workers, connection: native } of [{ ...warehouse, workers: [warehouse.worker] }, ingest]) {
      const leave = new AbortController();
      const running = runUntilAborted(workers, leave.signal);
      ends.push(async () => {
        leave.abort();
        await running.finally(() => native.close());
      });
    }
    ends.push(() => connection.close());
  });
  afterAll(async () => {
    for (const end of ends) await end();
  });
  return {
    get client() {
      if (client === undefined) throw new Error('the stage opens with the first test');
      return client;
    },
    play: (next) => {
      script = next;
    },
  };
}

/** A stream as the product's: it lives until it is cancelled, and then says so. */
export async function streamForever(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(beat);
  }
}

/** The events of one run. */
export async function eventsOf(handle: WorkflowHandle): Promise<readonly HistoryEvent[]> {
  return (await handle.fetchHistory()).events ?? [];
}
