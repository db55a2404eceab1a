// `walflow down`: ends what runs in a state folder, including what a kill -9 left behind. Touches only processes that were
// recorded, and only while they are still the same processes.

import { setTimeout as sleep } from 'node:timers/promises';
import { lockHolder } from './home-lock.ts';
import { forgetChildren, type NotedChild, notedChildren } from './pid-file.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';
import { forgetRunningDev } from './running-dev.ts';

export interface EndedProcess {
  readonly name: string;
  readonly pid: number;
  /** The signal that ended it. */
  readonly by: NodeJS.Signals;
}

/** A running `walflow dev` needs up to this long to stop its own children in order. */
const DEV_STOP_MS = 12_000;
const DEFAULT_STEP_MS = 6_000;
const POLL_MS = 50;

/** Ends a running `walflow dev` of this state folder, then every child it left; resolves when all are gone. */
export async function cleanUp(home: string, stepMs?: number): Promise<readonly EndedProcess[]> {
  const dev = await lockHolder(home);
  const ended = dev === null ? null : await end({ name: 'walflow dev', ...dev, stopSignals: ['SIGTERM'] }, DEV_STOP_MS);
  return [...(ended === null ? [] : [ended]), ...(await endLeftovers(home, stepMs))];
}

/** Ends the recorded children of a state folder that is not in use; `stepMs` is how long each signal gets to take effect. */
export async function endLeftovers(home: string, stepMs = DEFAULT_STEP_MS): Promise<readonly EndedProcess[]> {
  const children = await notedChildren(home);
  const ended = await Promise.all(children.map((child) => end(child, stepMs)));
  await forgetChildren(home);
  await forgetRunningDev(home);
  return ended.filter((process) => process !== null);
}

/** Null when it had ended already. */
async function end(child: NotedChild, stepMs: number): Promise<EndedProcess | null> {
  if (!(await isAlive(child))) return null;
  const { name, pid } = child;
  for (const by of child.stopSignals) {
    if (!signalled(pid, by) || (await isGoneWithin(child, stepMs))) return { name, pid, by };
  }
  signalled(pid, 'SIGKILL');
  await isGoneWithin(child, stepMs);
  return { name, pid, by: 'SIGKILL' };
}

/** False when the process no longer exists. */
function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function isGoneWithin(identity: ProcessIdentity, boundMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + boundMs;
  while (await isAlive(identity)) {
    if (performance.now() > deadlineMs) return false;
    await sleep(POLL_MS);
  }
  return true;
}
