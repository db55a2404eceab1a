// A pipeline over the traffic tables with both workers running, and the frame of a fault test: load before, during and
// after the fault, then the proof that source, lake and warehouse agree.

import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { freshDatabase, withClient } from './database.ts';
import { freshFolder } from './folder.ts';
import { expectEqual, expectExactLog, expectNothingLost } from './oracle.ts';
import { createRig, type Rig, type RigOptions, type Role, type WorkerProcess } from './rig.ts';
import { prepareTraffic, startTraffic, TRAFFIC_TABLES, type Traffic } from './traffic.ts';

const ROWS_PER_SECOND = 2_500;
/** Committed at least while the fault is there, and again after it. */
const MIN_ROWS = 2_500;
const PATIENCE_MS = 60_000;

export interface LivePipeline {
  readonly rig: Rig;
  readonly url: string;
  readonly folder: string;
  /** Starts both workers for the first time. */
  launch(): void;
  worker(role: Role): WorkerProcess;
  /** Starts the worker again; the one before must be gone. */
  restart(role: Role): Promise<void>;
  /** Runs `fault` under load, then proves that nothing was lost, doubled or changed. */
  underLoad(fault: (traffic: Traffic) => Promise<void>): Promise<void>;
  /** Source = warehouse by value; the log holds every version exactly once. */
  prove(): Promise<void>;
}

interface LiveOptions extends Pick<RigOptions, 'pipeline' | 'lake'> {
  /** The test starts the workers itself, by `launch`. */
  readonly held?: true;
  /** Asked when everything else is prepared. */
  readonly temporalAddress?: () => string;
}

/** Exists while the tests of the calling `describe` run. */
export function livePipeline(options: LiveOptions = {}): LivePipeline {
  const { url } = freshDatabase();
  const folder = freshFolder();
  const workers = new Map<Role, WorkerProcess>();
  let rig: Rig | null = null;
  /** The log holds every version after this one; null = not known. */
  let firstVersion: bigint | null = null;

  beforeAll(async () => {
    await prepareTraffic(url);
    const { temporalAddress, held, ...more } = options;
    const address = temporalAddress === undefined ? {} : { temporalAddress: temporalAddress() };
    rig = await createRig({ url, folder, tables: TRAFFIC_TABLES, ...more, ...address });
    if (held === true) return;
    launch();
    await rig.caughtUp();
    firstVersion = await lastVersion(url);
  }, 180_000);
  afterAll(async () => {
    await rig?.close();
  }, 60_000);

  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    for (const [role, worker] of workers)
      process.stderr.write(`the last words of ${role}:\n${worker.output().slice(-4_000)}\n`);
  });

  const running = (): Rig => {
    if (rig === null) throw new Error('the pipeline is not started yet');
    return rig;
  };
  const launch = () => {
    for (const role of ['ingest', 'warehouse'] as const) workers.set(role, running().start(role));
  };
  const prove = async () => {
    await running().caughtUp();
    await expectEqual(running());
    await expectExactLog(running(), folder);
    if (firstVersion !== null) await expectNothingLost(running(), folder, firstVersion);
  };
  return {
    get rig() {
      return running();
    },
    url,
    folder,
    launch,
    worker: (role) => {
      const worker = workers.get(role);
      if (worker === undefined) throw new Error(`no ${role} worker`);
      return worker;
    },
    restart: async (role) => {
      expect(workers.get(role)?.alive, `the ${role} worker before`).toBe(false);
      workers.set(role, running().start(role));
      // The workflow's backoff doubles with every kill; an operator who is in a hurry resumes.
      if (role === 'ingest') await running().signal('resume');
    },
    prove,
    underLoad: async (fault) => {
      const traffic = startTraffic(url, ROWS_PER_SECOND);
      try {
        await committed(traffic);
        const before = traffic.rows;
        await fault(traffic);
        expect(traffic.rows, 'rows committed while the fault was there').toBeGreaterThan(before);
        await committed(traffic);
      } finally {
        await traffic.stop();
      }
      await prove();
    },
  };
}

/** Waits until the load has gone on. */
async function committed(traffic: Traffic): Promise<void> {
  const wanted = traffic.rows + MIN_ROWS;
  await vi.waitFor(() => expect(traffic.rows).toBeGreaterThan(wanted), { timeout: PATIENCE_MS, interval: 50 });
}

async function lastVersion(url: string): Promise<bigint> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ last: string }>('select last_value::text as last from versions');
    return BigInt(rows[0]?.last ?? 0);
  });
}
