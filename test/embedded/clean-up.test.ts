import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { cleanUp } from '../../workers/embedded/clean-up.ts';
import { lockHolder, lockHome } from '../../workers/embedded/home-lock.ts';
import { notedChildren } from '../../workers/embedded/pid-file.ts';
import { processOf } from '../../workers/embedded/process-identity.ts';
import { freshFolder } from '../support/folder.ts';
import { stillRunning } from '../support/process.ts';

const root = freshFolder();
const strays: ChildProcess[] = [];
afterEach(() => {
  for (const stray of strays.splice(0)) stray.kill('SIGKILL');
});

async function stray(script = 'exec sleep 60') {
  const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' });
  strays.push(child);
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  return { pid, start: (await processOf(pid))?.start ?? '' };
}

function note(name: string, children: readonly { readonly pid: number; readonly start: string }[]): string {
  const home = join(root, name);
  mkdirSync(home, { recursive: true });
  const noted = children.map((child) => ({ name: 'stray', stopSignals: ['SIGTERM'], ...child }));
  writeFileSync(join(home, 'pids.json'), JSON.stringify(noted));
  return home;
}

test('what is noted and still runs is ended, and told', async () => {
  const child = await stray();
  const home = note('left', [child]);
  expect(await cleanUp(home)).toEqual([{ name: 'stray', pid: child.pid, by: 'SIGTERM' }]);
  expect(await stillRunning([child.pid])).toEqual([]);
  expect(await notedChildren(home)).toEqual([]);
});

test('a process that ignores the polite signal is killed', async () => {
  const child = await stray(`trap '' TERM; while :; do sleep 0.05; done`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await cleanUp(note('deaf', [child]), 200)).toEqual([{ name: 'stray', pid: child.pid, by: 'SIGKILL' }]);
});

test('a pid that now belongs to another process is left alone', async () => {
  const child = await stray();
  expect(await cleanUp(note('reused', [{ pid: child.pid, start: 'long ago' }]))).toEqual([]);
  expect(await stillRunning([child.pid])).toEqual([child.pid]);
});

test('where nothing ran there is nothing to do', async () => {
  expect(await cleanUp(join(root, 'never'))).toEqual([]);
});

test('of many that want a home at once one gets it, and after it the next', async () => {
  const home = join(root, 'wanted');
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockHome(home)));
  const taken = results.filter((result) => result.status === 'fulfilled');
  expect(taken).toHaveLength(1);
  await taken[0]?.value();
  await (await lockHome(home))();
  expect(await lockHolder(home)).toBeNull();
});

test('a lock whose process is gone is taken over', async () => {
  const home = join(root, 'stale');
  mkdirSync(home);
  writeFileSync(join(home, 'dev.lock'), JSON.stringify({ pid: process.pid, start: 'long ago' }));
  const unlock = await lockHome(home);
  expect(await lockHolder(home)).toMatchObject({ pid: process.pid });
  await unlock();
});
