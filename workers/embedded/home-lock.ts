// One `walflow dev` per state folder: a lock file names the process that holds it. The lock of a process that has ended is
// taken over; a second start beside a living one is refused.

import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WalflowError } from '../../workflows/model/errors.ts';
import { isAlive, type ProcessIdentity, processOf } from './process-identity.ts';

const lockFile = (home: string) => join(home, 'dev.lock');
const MAX_TRIES = 5;

/**
 * Takes the lock of a state folder, which is created if it does not exist. Call the result to release the lock.
 * @throws WalflowError DEV_ALREADY_RUNNING
 */
export async function lockHome(home: string): Promise<() => Promise<void>> {
  await mkdir(home, { recursive: true });
  const file = lockFile(home);
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, JSON.stringify(await processOf(process.pid)));
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      // link(2) fails when the name exists: the lock appears complete or not at all.
      if (await didWork(link(own, file))) return () => rm(file, { force: true });
      const holder = await lockHolder(home);
      if (holder !== null) throw alreadyRunning(home, holder);
      // Moved, not removed: of two processes that find the same dead lock only one can move it.
      const dead = `${own}.dead`;
      if (await didWork(rename(file, dead))) await putBackIfAlive(dead, file);
    }
  } finally {
    await rm(own, { force: true });
  }
  throw new WalflowError('DEV_ALREADY_RUNNING', `another walflow dev is starting in ${home}`);
}

/** The live process that holds the lock, if any. */
export async function lockHolder(home: string): Promise<ProcessIdentity | null> {
  return holderNamedIn(lockFile(home));
}

async function holderNamedIn(file: string): Promise<ProcessIdentity | null> {
  try {
    const holder: ProcessIdentity = JSON.parse(await readFile(file, 'utf8'));
    return (await isAlive(holder)) ? holder : null;
  } catch {
    return null;
  }
}

/** Between reading and moving, another process may have put its own lock there. */
async function putBackIfAlive(moved: string, file: string): Promise<void> {
  if ((await holderNamedIn(moved)) !== null) await didWork(link(moved, file));
  await rm(moved, { force: true });
}

function alreadyRunning(home: string, { pid }: ProcessIdentity): WalflowError {
  return new WalflowError('DEV_ALREADY_RUNNING', `walflow dev already runs in ${home} (process ${pid})`);
}

async function didWork(action: Promise<unknown>): Promise<boolean> {
  return action.then(
    () => true,
    () => false,
  );
}
