// The demo of `npm start` in a folder of its own, left alone for minutes: what each of its processes holds and uses, sample
// by sample. Linux only.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ChildSpec, startChild } from '../../workers/embedded/child.ts';
import { notedChildren } from '../../workers/embedded/pid-file.ts';
import { freePorts } from '../../workers/embedded/port.ts';
import { DEV_PORT_SETTINGS } from '../support/dev-port.ts';
import { usageOf } from './process-usage.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly rowsPerSecond: number;
}

/** `dev` is the command itself: screen and traffic. */
export const SOAKED = ['warehouse worker', 'ingest worker', 'seaweedfs', 'temporal', 'postgres', 'dev'] as const;
export type Soaked = (typeof SOAKED)[number];

export interface SoakSample {
  /** Since every table was live. */
  readonly minute: number;
  readonly memoryBytes: Readonly<Record<Soaked, number>>;
  /** Processor cores used since the sample before. */
  readonly cores: Readonly<Record<Soaked, number>>;
}

const BIN = fileURLToPath(new URL('../../workers/cli/bin.js', import.meta.url));
const TABLES = 5;
const LIVE_TIMEOUT_MS = 300_000;
const STOP_MS = 30_000;
const SAMPLES = 60;
const SHORTEST_PAUSE_MS = 10_000;

/**
 * Yields a sample at a time; leaves nothing behind, however it ends.
 * @throws Error when a process ends on the way: a worker that was started again has forgotten what it held.
 */
export async function* soak(options: SoakOptions, signal: AbortSignal): AsyncGenerator<SoakSample> {
  if (process.platform !== 'linux') throw new Error('a soak reads /proc, which only Linux has');
  const folder = await mkdtemp(join(tmpdir(), 'walflow-soak-'));
  // PostgreSQL may run as another user, who has to come through here.
  await chmod(folder, 0o755);
  try {
    const dev = await startChild(await demo(folder, options.rowsPerSecond), { signal });
    try {
      yield* samples(options.minutes, await pidsOf(folder, dev.pid), signal);
    } finally {
      await dev.stop(STOP_MS);
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function* samples(minutes: number, pids: readonly number[], signal: AbortSignal): AsyncGenerator<SoakSample> {
  const pauseMs = Math.max(SHORTEST_PAUSE_MS, (minutes * 60_000) / SAMPLES);
  const startMs = performance.now();
  let [before, beforeMs] = [measure(pids), startMs];
  while (performance.now() < startMs + minutes * 60_000) {
    await sleep(pauseMs, undefined, { signal });
    const [now, nowMs] = [measure(pids), performance.now()];
    const seconds = (nowMs - beforeMs) / 1000;
    const used = now.map(({ processorSeconds }, i) => processorSeconds - (before[i]?.processorSeconds ?? 0));
    yield {
      minute: (nowMs - startMs) / 60_000,
      memoryBytes: byName(now.map(({ memoryBytes }) => memoryBytes)),
      cores: byName(used.map((spent) => spent / seconds)),
    };
    [before, beforeMs] = [now, nowMs];
  }
}

function measure(pids: readonly number[]) {
  return usageOf(pids).map((usage, i) => {
    if (usage === null) throw new Error(`the ${SOAKED[i]} process ended`);
    return usage;
  });
}

function byName(values: readonly number[]): Readonly<Record<Soaked, number>> {
  return Object.fromEntries(SOAKED.map((name, i) => [name, values[i] ?? 0])) as Record<Soaked, number>;
}

/** In the order of `SOAKED`. */
async function pidsOf(folder: string, dev: number): Promise<readonly number[]> {
  const children = await notedChildren(join(folder, 'state'));
  return SOAKED.map((name) => {
    const pid = name === 'dev' ? dev : children.find((child) => child.name === name)?.pid;
    if (pid === undefined) throw new Error(`the demo runs no ${name}`);
    return pid;
  });
}

async function demo(folder: string, rowsPerSecond: number): Promise<ChildSpec> {
  const ports = await freePorts(DEV_PORT_SETTINGS.length);
  return {
    name: 'walflow dev',
    command: process.execPath,
    args: [BIN, 'dev', '--demo', '--rate', String(rowsPerSecond)],
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: undefined,
      WALFLOW_HOME: join(folder, 'state'),
      ...Object.fromEntries(DEV_PORT_SETTINGS.map((setting, i) => [setting, String(ports[i])])),
    },
    cwd: folder,
    logFile: join(folder, 'dev.log'),
    ready: () => isLive(`http://127.0.0.1:${ports[0]}/api/pipelines`),
    readyTimeoutMs: LIVE_TIMEOUT_MS,
    stopSignals: ['SIGINT'],
  };
}

async function isLive(url: string): Promise<boolean> {
  const pipelines = (await (await fetch(url)).json()) as { tables: { state: string }[] }[];
  return pipelines.flatMap(({ tables }) => tables).filter(({ state }) => state === 'live').length === TABLES;
}
