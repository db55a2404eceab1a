// The two workers of `walflow dev`: separate processes of the program that runs now, with `worker --role …`.

import { join } from 'node:path';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { Environment } from '../../config/setting.ts';
import type { ChildSpec } from '../../embedded/child.ts';
import { LOOPBACK } from '../../embedded/port.ts';
import type { WorkerRole } from '../worker/role.ts';

interface WorkerPlace {
  readonly role: WorkerRole;
  readonly port: number;
  readonly home: string;
  readonly cwd: string;
  readonly env: Environment;
  /** Flags that name the project. */
  readonly projectArgs: readonly string[];
}

/** The first start bundles the workflows, which takes seconds of CPU. */
const READY_TIMEOUT_MS = 120_000;
const PROBE_TIMEOUT_MS = 2_000;

/**
 * Nearly all a worker allocates is garbage a moment later. With V8's default nursery a hundred megabytes of it are kept, and
 * as much again until the heap has doubled.
 */
const NODE_FLAGS = ['--max-semi-space-size=4', '--heap-growing-percent=30'];

/**
 * For glibc. Otherwise its limit for what is mapped on its own, and so returned at once, grows with the largest buffer that
 * was freed, and each thread has a heap of its own: gaps between buffers, which are never returned.
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: String(128 * 1024) };

/** How to start a worker; it is ready once `/healthz` answers. */
export function workerChild({ role, port, home, cwd, env, projectArgs }: WorkerPlace): ChildSpec {
  return {
    name: `${role} worker`,
    command: process.execPath,
    args: [...NODE_FLAGS, programFile(), 'worker', '--role', role, ...projectArgs],
    env: { ...ALLOCATOR, ...env },
    cwd,
    logFile: join(home, 'logs', `${role}.log`),
    ready: () => isHealthy(port),
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopSignals: ['SIGTERM'],
  };
}

function programFile(): string {
  const file = process.argv[1];
  if (file === undefined) throw new WalflowError('INTERNAL', 'the program file of this process is not known');
  return file;
}

async function isHealthy(port: number): Promise<boolean> {
  const response = await fetch(`http://${LOOPBACK}:${port}/healthz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
  await response.body?.cancel();
  return response.ok;
}
