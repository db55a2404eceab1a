import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leftBehind } from './left-behind.ts';

const found = () => leftBehind(tmpdir());
/** A handle that was closed is still listed for a moment. */
const nothing = () => expect.poll(found).toEqual([]);
const path = join(tmpdir(), 'forgotten');

test('a server that still listens is found', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  expect(found()).toEqual(['a server that listens']);
  server.close();
  await nothing();
});

test('a child process that still runs is found', async () => {
  const child = spawn('sleep', ['60']);
  expect(found()).toEqual(['a child process']);
  child.kill();
  await nothing();
});

test('a file that is still there is found', () => {
  writeFileSync(path, 'x');
  expect(found()).toEqual(['file forgotten']);
  rmSync(path);
});

test('a file that is still open is found, also after it was removed', ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux tells which files are open');
  writeFileSync(path, 'x');
  const descriptor = openSync(path, 'r');
  rmSync(path);
  expect(found()).toEqual([`open file ${path} (deleted)`]);
  closeSync(descriptor);
});
