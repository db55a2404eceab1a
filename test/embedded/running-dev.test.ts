import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../workers/cli/main.ts';
import { resolveProject } from '../../workers/config/resolve.ts';
import { forgetRunningDev, noteRunningDev, runningDev } from '../../workers/embedded/running-dev.ts';
import { asset } from '../../workflows/model/define.ts';
import { fakeTerminal } from '../cli/fake-terminal.ts';
import { ORIGIN, pipeline, project } from '../config/sample-project.ts';
import { freshFolder } from '../support/folder.ts';

const REVENUE = asset('analytics/revenue', { deps: ['shop/public.orders'], sql: 'select 1 from {shop/public.orders}' });
const URL_NOWHERE = 'postgres://ann:s3cret@127.0.0.1:1/shop';
const PROJECT = resolveProject(
  project({ pipelines: { shop: pipeline({ url: URL_NOWHERE }) }, assets: [REVENUE] }),
  ORIGIN,
);
const ENV = {
  WALFLOW_HTTP_PORT: '4777',
  WALFLOW_TOKEN: 'of dev',
  DATABASE_URL: 'postgres://x',
  AWS_ACCESS_KEY_ID: 'x',
};

const base = freshFolder();
const newFolder = () => mkdtempSync(join(base, 'f'));

async function homeWithDev(): Promise<string> {
  const home = newFolder();
  await noteRunningDev(home, { project: PROJECT, env: ENV });
  return home;
}

/** A terminal that knows the state folder, and which address its commands asked. */
function terminalIn(home: string, env: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  const fetched = async (input: unknown) => {
    asked.push(new URL(String(input)).origin);
    return Response.json([]);
  };
  return Object.assign(fakeTerminal({ env: { WALFLOW_HOME: home, ...env }, fetch: fetched as typeof fetch }), {
    asked,
  });
}

test('what is noted comes back whole, readable by its owner alone, without variables that are not settings', async () => {
  const home = await homeWithDev();
  const dev = await runningDev(home);
  expect(dev?.project).toEqual(PROJECT);
  expect(dev?.env).toEqual({ WALFLOW_HTTP_PORT: '4777', WALFLOW_TOKEN: 'of dev' });
  expect(statSync(join(home, 'running.json')).mode & 0o777).toBe(0o600);
});

test('a note whose process has ended, a damaged one, and none at all mean that nothing runs', async () => {
  const home = await homeWithDev();
  const file = join(home, 'running.json');
  const note = JSON.parse(readFileSync(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...note, process: { ...note.process, start: 'another' } }));
  expect(await runningDev(home)).toBeNull();
  await writeFile(file, (await readFile(file, 'utf8')).slice(0, 40));
  expect(await runningDev(home)).toBeNull();
  await forgetRunningDev(home);
  expect(await runningDev(home)).toBeNull();
});

test('commands of the API ask the running dev, unless the terminal names another one', async () => {
  const home = await homeWithDev();
  const beside = terminalIn(home);
  await run(['status'], beside);
  expect(beside.asked).toContain('http://127.0.0.1:4777');
  for (const [env, origin] of [
    [{ WALFLOW_URL: 'http://prod:80' }, 'http://prod'],
    [{ WALFLOW_HTTP_PORT: '4888' }, 'http://127.0.0.1:4888'],
    [{ WALFLOW_HTTP_PORT: '0' }, 'http://127.0.0.1:4777'],
  ] as const) {
    const elsewhere = terminalIn(home, env);
    await run(['status'], elsewhere);
    expect(elsewhere.asked[0]).toBe(origin);
  }
});

test('commands of a pipeline use the configuration of the running dev, before that of the folder', async () => {
  const terminal = { ...terminalIn(await homeWithDev()), cwd: await folderWithProject() };
  expect(await run(['slot', 'show', 'shop'], terminal)).toBe(1);
  expect(terminal.complaints[0]).toMatch(/"shop" at 127\.0\.0\.1:1 .*\(SOURCE_UNREACHABLE\)$/);
  expect(terminal.complaints[0]).not.toContain('s3cret');
});

test('check and deploy mean the configuration of the folder, and only without one that of the running dev', async () => {
  const home = await homeWithDev();
  const empty = terminalIn(home);
  expect(await run(['check'], empty)).toBe(0);
  expect(empty.printed[0]).toMatch(/project shop is valid[\s\S]*asset analytics\/revenue/);
  const filled = { ...terminalIn(home), cwd: await folderWithProject() };
  expect(await run(['check'], filled)).toBe(0);
  expect(filled.printed[0]).toMatch(/project mine is valid/);
});

async function folderWithProject(): Promise<string> {
  const folder = newFolder();
  const text = `export default { name: 'mine', warehouses: { main: { kind: 'duckdb', path: './w.duckdb' } }, pipelines: {
    shop: { source: { url: 'postgres://a@127.0.0.1:2/mine', tables: ['public.*'] }, lake: { url: 's3://mine/cdc' } } } };`;
  await writeFile(join(folder, 'walflow.config.mjs'), text);
  return folder;
}
