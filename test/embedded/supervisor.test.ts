import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ChildSpec } from '../../workers/embedded/child.ts';
import { notedChildren, PidFile } from '../../workers/embedded/pid-file.ts';
import { type ChildEvent, Supervisor } from '../../workers/embedded/supervisor.ts';
import { freshFolder } from '../support/folder.ts';
import { stillRunning } from '../support/process.ts';

const root = freshFolder();
let homes = 0;

/** A shell script as a child; ready as soon as it said so. */
function supervise(script: string) {
  homes += 1;
  const home = freshHome();
  const logFile = join(home, 'logs', 'script.log');
  const spec: ChildSpec = {
    name: 'script',
    command: '/bin/sh',
    args: ['-c', script],
    env: process.env,
    cwd: root,
    logFile,
    ready: async () => readFileSync(logFile, 'utf8').includes('ready'),
    readyTimeoutMs: 5_000,
    stopSignals: ['SIGTERM'],
  };
  const events: ChildEvent[] = [];
  const failures: Error[] = [];
  const supervisor = new Supervisor({
    pidFile: new PidFile(home),
    onEvent: (event) => void events.push(event),
    onFailure: (failure) => void failures.push(failure),
    firstPauseMs: 1,
  });
  return { supervisor, spec, home, events, failures, start: () => supervisor.start(async () => spec) };
}

function freshHome(): string {
  return join(root, `home-${homes}`);
}

test('a child that ends before it is ready fails the start with the end of its log', async () => {
  const { start, home, supervisor } = supervise('echo the reason >&2; exit 3');
  await expect(start()).rejects.toMatchObject({
    code: 'EMBEDDED_CHILD_CRASHED',
    message: expect.stringMatching(/script ended before it was ready \(exit code 3\).*\nthe reason\n/s),
    hint: `read ${join(home, 'logs', 'script.log')}`,
  });
  await supervisor.stop(1_000);
  expect(await notedChildren(home)).toEqual([]);
});

test('a child that is not ready in time is stopped', async () => {
  const { supervisor, spec, home } = supervise('exec sleep 60');
  const start = supervisor.start(async () => ({ ...spec, readyTimeoutMs: 100 }));
  await expect(start).rejects.toThrow('was not ready after 0.1 s');
  await supervisor.stop(1_000);
  expect(await notedChildren(home)).toEqual([]);
});

test('a program that does not exist is named', async () => {
  const { supervisor, spec } = supervise('');
  const start = supervisor.start(async () => ({ ...spec, command: '/nowhere/gizmo' }));
  await expect(start).rejects.toThrow('/nowhere/gizmo');
});

test('a child that keeps ending is restarted a few times, then reported with the end of its log', async () => {
  const { start, events, failures, supervisor } = supervise('echo ready; sleep 0.05; echo last words; exit 1');
  await start();
  await expect.poll(() => failures.length, { timeout: 10_000 }).toBe(1);
  expect(events.filter(({ tag }) => tag === 'crashed')).toHaveLength(5);
  expect(failures[0]?.message).toMatch(/script ended by itself \(exit code 1\).*\nlast words\n/s);
  await supervisor.stop(1_000);
});

test('children are noted while they run and are gone after a stop', async () => {
  const { start, home, supervisor, failures } = supervise('echo ready; exec sleep 60');
  await start();
  const [noted] = await notedChildren(home);
  expect(noted).toMatchObject({ name: 'script', stopSignals: ['SIGTERM'] });
  await supervisor.stop(2_000);
  expect(await stillRunning([noted?.pid ?? 0])).toEqual([]);
  expect(await notedChildren(home)).toEqual([]);
  expect(failures).toEqual([]);
});

test('a child that ignores its signal is killed within the bound', async () => {
  const { start, home, supervisor } = supervise(`trap '' TERM; echo ready; while :; do sleep 0.05; done`);
  await start();
  const pids = (await notedChildren(home)).map(({ pid }) => pid);
  await supervisor.stop(400);
  expect(await stillRunning(pids)).toEqual([]);
});
