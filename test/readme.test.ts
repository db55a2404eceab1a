// README.md and docs/ are run, not believed. Links, paths, npm scripts and port numbers: test/repository.test.ts.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../workers/cli/program.ts';
import { SETTINGS, type SettingRule } from '../workers/config/setting.ts';
import { ERROR_RULES } from '../workflows/model/errors.ts';
import { fakeTerminal } from './cli/fake-terminal.ts';
import { readCheckout } from './repository/checkout.ts';
import { freshFolder } from './support/folder.ts';

const { documents, texts } = readCheckout();
const CLI = fileURLToPath(new URL('../workers/cli/bin.js', import.meta.url));
const README = textOf('README.md');
const program = createProgram(fakeTerminal(), () => {});

function textOf(path: string): string {
  const found = texts.find((text) => text.path === path);
  if (found === undefined) throw new Error(`there is no ${path}`);
  return found.text;
}

/** Code blocks of a language (`''` = any), without their fences. */
function blocksOf(text: string, language = ''): readonly string[] {
  const fence = new RegExp(`^\`\`\`${language}[a-z]*\\n([\\s\\S]*?)^\`\`\``, 'gm');
  return [...text.matchAll(fence)].map(([, block = '']) => block);
}

/** Command lines, from code blocks and code spans: what stands behind `walflow` or `npm run walflow --`. */
function commandsIn(text: string): readonly string[] {
  const spans = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  const lines = blocksOf(text).flatMap((block) => block.split('\n'));
  return [...spans, ...lines].flatMap((line) => {
    const command = /(?:^|\s)walflow (?:-- )?((?:--?)?[a-z<].*)$/.exec(line.replace(/\s+#.*$/, ''))?.[1];
    return command === undefined ? [] : [command];
  });
}

/** What of a command line does not exist; null when all of it does. */
function unknownPart(line: string): string | null {
  const words = line.replaceAll(/"[^"]*"/g, '""').split(/\s+/);
  let command: Command = program;
  while (words[0] !== undefined) {
    const next = command.commands.find((one) => one.name() === words[0]);
    if (next === undefined) break;
    command = next;
    words.shift();
  }
  if (command === program && words[0]?.startsWith('-') === false && words[0] !== '<command>') return words[0];
  const options = [...command.options, ...program.options].map(({ long }) => long);
  return words.find((word) => word.startsWith('--') && word !== '--help' && !options.includes(word)) ?? null;
}

describe('commands', () => {
  const named = documents.flatMap(({ path, text }) => commandsIn(text).map((line) => ({ path, line })));

  test('are found in the documents', () => {
    expect(named.map(({ line }) => line)).toContain('resync shop public.orders');
    expect(named.length).toBeGreaterThan(50);
  });

  test('exist, with their options, wherever a document names them', () => {
    const wrong = named.filter(({ line }) => unknownPart(line) !== null);
    expect(wrong.map(({ path, line }) => `${path}: walflow ${line}`)).toEqual([]);
  });

  test('exist wherever a hint names them', () => {
    const hints = Object.entries(ERROR_RULES).flatMap(([code, { hint }]) =>
      commandsIn(hint).map((line) => [code, line]),
    );
    expect(hints.filter(([, line = '']) => unknownPart(line) !== null)).toEqual([]);
    expect(hints.length).toBeGreaterThan(10);
  });

  test('a command or an option that does not exist is found', () => {
    expect(unknownPart('replay shop')).toBe('replay');
    expect(unknownPart('status --jsn')).toBe('--jsn');
    expect(unknownPart('slot recreate shop --source ""')).toBe(null);
  });

  test('of the program are all in the README', () => {
    const lines = commandsIn(README);
    const missing = program.commands
      .map((command) => command.name())
      .filter((name) => !lines.some((line) => line.split(' ')[0] === name));
    expect(missing).toEqual([]);
  });
});

describe('configuration', { timeout: 60_000 }, () => {
  const folder = freshFolder();

  test("the README shows the demo's file as it is", () => {
    expect(blocksOf(README, 'ts')).toEqual([textOf('examples/shop/walflow.config.ts')]);
  });

  const files = documents.flatMap(({ path, text }) =>
    blocksOf(text, 'ts').map((block, i) => [`${path} ${i + 1}`, block]),
  );

  test.each(files)('%s is valid', async (name, block) => {
    const file = join(folder, `${name.replaceAll(/\W/g, '-')}.ts`);
    await writeFile(file, block);
    const env = { ...process.env, DATABASE_URL: 'postgres://a:b@127.0.0.1/shop' };
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'check', '--config', file], {
      cwd: folder,
      env,
    });
    expect(stdout).toContain('is valid');
  });
});

test('every port that is a setting is in the README with its default', () => {
  const ports = Object.values<SettingRule>(SETTINGS).filter(({ type }) => type === 'port');
  expect(ports.length).toBeGreaterThan(4);
  for (const { env, default: port } of ports) expect(README).toContain(`\`${env}\` | ${port} |`);
});

test('every error code a document names exists', () => {
  const variables = new Set(Object.values(SETTINGS).map(({ env }) => env));
  const other = /^(WALFLOW|AWS|DATABASE|TEST)_|^(NO|FORCE)_COLOR$/;
  const named = documents
    .filter(({ path }) => path !== 'docs/decisions.md')
    .flatMap(({ path, text }) =>
      [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => ({ path, code })),
    );
  expect(named.length).toBeGreaterThan(50);
  const unknown = named.filter(
    ({ code }) => !(code in ERROR_RULES) && !variables.has(code as never) && !other.test(code),
  );
  expect(unknown).toEqual([]);
});
