import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../workers/cli/main.ts';
import { fakeTerminal } from './fake-terminal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'walflow-init-'));
});
afterEach(() => rm(folder, { recursive: true }));

const read = (name: string) => readFile(join(folder, name), 'utf8');

test('fills an empty folder and says what comes next', async () => {
  const terminal = fakeTerminal({ cwd: folder });
  expect(await run(['init'], terminal)).toBe(0);
  expect(await read('walflow.config.ts')).toContain('defineConfig');
  expect(await read('.env.example')).toContain('DATABASE_URL=');
  expect((await read('.gitignore')).split('\n')).toContain('.walflow/');
  expect(terminal.printed.join('\n')).toContain('npx walflow dev');
});

test('overwrites nothing and adds only the missing ignore lines', async () => {
  await writeFile(join(folder, 'walflow.config.ts'), 'mine');
  await writeFile(join(folder, '.gitignore'), 'node_modules\n.env');
  const terminal = fakeTerminal({ cwd: folder });
  await run(['init'], terminal);
  expect(await read('walflow.config.ts')).toBe('mine');
  expect(await read('.gitignore')).toBe('node_modules\n.env\n.walflow/\n*.duckdb\n*.duckdb.wal\n');
  const again = fakeTerminal({ cwd: folder });
  await run(['init'], again);
  expect(again.printed.slice(0, 3).every((line) => line.startsWith('kept'))).toBe(true);
});
