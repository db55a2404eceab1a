import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RotatingLog } from '../../workers/embedded/rotating-log.ts';
import { freshFolder } from '../support/folder.ts';

const root = freshFolder();

test('a log is bounded: past its size it is put aside, and the oldest of those goes', () => {
  const log = new RotatingLog(join(root, 'logs', 'a.log'), 12);
  for (let i = 0; i < 12; i++) log.write(Buffer.from(`line${i}\n`));
  log.close();
  expect(readdirSync(join(root, 'logs')).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3']);
  expect(readFileSync(join(root, 'logs', 'a.log'), 'utf8')).toBe('line11\n');
  expect(readFileSync(join(root, 'logs', 'a.log.3'), 'utf8')).toBe('line6\nline7\n');
});

test('a log goes on where it was, and its tail is what this process wrote', () => {
  const file = join(root, 'b.log');
  const first = new RotatingLog(file);
  first.write(Buffer.from('before\n'));
  first.close();
  const second = new RotatingLog(file);
  second.write(Buffer.from('one\ntwo\nthree\n'));
  expect(second.tail(2)).toBe('two\nthree');
  second.close();
  expect(readFileSync(file, 'utf8')).toBe('before\none\ntwo\nthree\n');
});
