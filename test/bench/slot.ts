// Copies of a slot, so that every run reads the same log, and what the walsender behind a slot costs.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Slot of the runs that have no pipeline. */
export const BASE_SLOT = 'bench_base';

const POLL_MS = 10;
const DROP_TRIES = 200;
const DROP_PAUSE_MS = 50;
const OPEN_TIMEOUT_MS = 60_000;
/** USER_HZ: what the kernel counts CPU time in, 100 on every Linux of today. */
const TICKS_PER_SECOND = 100;

/** Runs `work` on a copy of `from`, dropped afterwards. */
export async function withSlotCopy<T>(client: pg.Client, from: string, work: (slot: string) => Promise<T>): Promise<T> {
  const slot = `${from}_copy`;
  await client.query('select pg_copy_logical_replication_slot($1, $2)', [from, slot]);
  try {
    return await work(slot);
  } finally {
    await dropSlot(client, slot);
  }
}

/** Its walsender may need a moment to end. */
async function dropSlot(client: pg.Client, slot: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.query('select pg_drop_replication_slot($1)', [slot]);
      return;
    } catch (failure) {
      if (tries === DROP_TRIES) throw failure;
      await sleep(DROP_PAUSE_MS);
    }
  }
}

export interface WalsenderWatch {
  /** Resolves with `performance.now()` of the moment the slot was found active. */
  readonly active: Promise<number>;
  /** CPU seconds of the walsender so far, also after it ended; null where the system does not tell. */
  cpuSeconds(): number | null;
  stop(): Promise<void>;
}

/** Waits for a slot's walsender and follows its CPU time. */
export async function watchWalsender(url: string, slot: string): Promise<WalsenderWatch> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let pid: number | null = null;
  let seconds: number | null = null;
  let stopped = false;
  const read = () => {
    if (pid !== null) seconds = cpuSecondsOf(pid) ?? seconds;
  };
  const untilMs = performance.now() + OPEN_TIMEOUT_MS;
  const wait = async () => {
    for (;;) {
      const sql = 'select active_pid from pg_replication_slots where slot_name = $1 and active_pid is not null';
      const { rows } = await client.query<{ active_pid: number }>(sql, [slot]);
      if (rows[0] !== undefined) {
        pid = rows[0].active_pid;
        return performance.now();
      }
      if (stopped || performance.now() > untilMs) throw new Error(`nobody reads from slot ${slot}`);
      await sleep(POLL_MS);
    }
  };
  const active = wait();
  active.catch(() => {});
  // What it used is gone with it: the last reading counts, so readings are frequent.
  const timer = setInterval(read, POLL_MS);
  return {
    active,
    cpuSeconds: () => {
      read();
      return seconds;
    },
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await active.catch(() => {});
      await client.end();
    },
  };
}

/** utime + stime of proc(5); null when the process is gone or there is no /proc. */
function cpuSecondsOf(pid: number): number | null {
  try {
    // The name in parentheses may hold anything: fields are counted behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}
