// README.md and docs/ are run, not believed. Links, paths, npm scripts and port numbers: test/repository.test.ts. The
// commands README shows with their output: test/cli/dev/command.e2e.test.ts.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { createProgram } from '../workers/cli/program.ts';
import { SETTINGS, type SettingRule } from '../workers/config/setting.ts';
import { createApi } from '../workers/http/api.ts';
import { createMetrics } from '../workers/metrics/metrics.ts';
import { ERROR_RULES } from '../workflows/model/errors.ts';
import { fakeTerminal } from './cli/fake-terminal.ts';
import { BACKFILL, fakeBackend, NIGHTLY, NOW_MS, REVENUE, SHOP } from './http/fake-backend.ts';
import { readCheckout } from './repository/checkout.ts';
import { freshFolder } from './support/folder.ts';

const { documents, texts } = readCheckout();
const CLI = fileURLToPath(new URL('../workers/cli/bin.js', import.meta.url));
const README = textOf('README.md');
const EXAMPLE = 'examples/shop/walflow.config.ts';
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

  test('of the program are all in docs/commands.md, with all their options', () => {
    const page = textOf('docs/commands.md');
    const lines = commandsIn(page);
    const leaves = program.commands.flatMap((one) => (one.commands.length === 0 ? [one] : [...one.commands]));
    const nameOf = (one: Command) => (one.parent === program ? one.name() : `${one.parent?.name()} ${one.name()}`);
    const missing = leaves.map(nameOf).filter((name) => !lines.some((line) => `${line} `.startsWith(`${name} `)));
    expect(missing).toEqual([]);
    const options = [program, ...leaves].flatMap((one) => one.options.map(({ long }) => long ?? ''));
    expect(options.filter((option) => !page.includes(option))).toEqual([]);
    expect(leaves.length + options.length).toBeGreaterThan(30);
  });
});

describe('README', () => {
  test('is short enough to be read', () => {
    expect(Buffer.byteLength(README)).toBeLessThanOrEqual(9 * 1024);
  });

  test('links every page of docs/', () => {
    const pages = documents.map(({ path }) => path).filter((path) => path.startsWith('docs/'));
    expect(pages.filter((page) => !README.includes(`](${page})`))).toEqual([]);
  });

  test("shows an asset of at most 15 lines, as it stands in the demo's configuration", () => {
    const [asset = '', ...more] = blocksOf(README, 'ts');
    expect(more).toEqual([]);
    expect(asset.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
    expect(textOf(EXAMPLE).replaceAll(/^ {4}/gm, '')).toContain(asset);
  });
});

describe('configuration', { timeout: 60_000 }, () => {
  const folder = freshFolder();

  const shown = documents
    .filter(({ path }) => path.startsWith('docs/'))
    .flatMap(({ path, text }) => blocksOf(text, 'ts').map((block, i) => [`${path} ${i + 1}`, block]));
  const files = [...shown, [EXAMPLE, textOf(EXAMPLE)]];

  beforeAll(async () => {
    await mkdir(join(folder, 'seeds'));
    await writeFile(join(folder, 'seeds', 'countries.csv'), 'code,name\nAT,Austria\n');
  });

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

describe('docs/api.md', () => {
  const page = textOf('docs/api.md');
  const documented = [...page.matchAll(/`(GET|POST) (\/[^`?\s]*)/g)].map(([, method = '', path = '']) => ({
    method,
    path,
  }));
  const api = createApi(fakeBackend(), {
    guard: { bindHost: '127.0.0.1', allowedHosts: [], token: undefined },
    page: { project: 'shop', version: '0', temporalUi: null, nowMs: () => NOW_MS },
    metrics: async () => '',
    onFailure: () => undefined,
    closing: new AbortController().signal,
  });

  test('has every port that is a setting, with its default', () => {
    const ports = Object.values<SettingRule>(SETTINGS).filter(({ type }) => type === 'port');
    expect(ports.length).toBeGreaterThan(4);
    for (const { env, default: port } of ports) expect(page).toContain(`\`${env}\` | ${port} |`);
  });

  test('has every endpoint of the server', () => {
    const served = api.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '<$1>').replace('*', '<key>')}`);
    expect(served.length).toBeGreaterThan(10);
    expect(served.filter((one) => !documented.some(({ method, path }) => one === `${method} ${path}`))).toEqual([]);
  });

  test.each(documented)('$method $path is answered', async ({ method, path }) => {
    const name = path.startsWith('/api/schedules') ? NIGHTLY.name : SHOP.name;
    const concrete = path.replace('<name>', name).replace('<key>', REVENUE.key).replace('<id>', BACKFILL.id);
    const response = await api.request(concrete, { method, headers: { host: '127.0.0.1' } });
    await response.body?.cancel();
    expect(response.status).not.toBe(404);
  });

  test('has every metric, with its labels', () => {
    const metrics = createMetrics();
    const names = Object.values(metrics).flatMap((metric) =>
      'labelNames' in metric && 'name' in metric ? [[metric.name, (metric.labelNames as string[]).join(', ')]] : [],
    );
    expect(names.length).toBeGreaterThan(10);
    for (const [name, labels] of names) expect(page).toContain(`| \`${name}\` | ${labels} |`);
  });
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
