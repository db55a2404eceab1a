import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { notedChildren } from '../../../workers/embedded/pid-file.ts';
import { freePorts } from '../../../workers/embedded/port.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { DEV_PORT_SETTINGS } from '../../support/dev-port.ts';
import { freshFolder } from '../../support/folder.ts';
import { stillRunning } from '../../support/process.ts';

const PROGRAM = fileURLToPath(new URL('../../../workers/cli/bin.js', import.meta.url));
/** First starts bundle the workflows and create a database, on a machine that runs all other tests too. */
const START_MS = 150_000;

/** One state folder with ports of its own, and the commands run against it. */
class DevHome {
  readonly folder = freshFolder();
  readonly home = join(this.folder, 'state');
  #env: NodeJS.ProcessEnv = {};
  #dev: ChildProcess | null = null;
  output = '';

  async choosePorts(): Promise<void> {
    const ports = await freePorts(DEV_PORT_SETTINGS.length);
    this.#env = { ...process.env, WALFLOW_HOME: this.home };
    for (const [i, setting] of DEV_PORT_SETTINGS.entries()) this.#env[setting] = String(ports[i]);
    delete this.#env.TEMPORAL_ADDRESS;
  }

  startDev(...args: readonly string[]): void {
    this.output = '';
    const dev = spawn(process.execPath, [PROGRAM, 'dev', ...args], { cwd: this.folder, env: this.#env });
    for (const stream of [dev.stdout, dev.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.#dev = dev;
  }

  /** The exit code, and the processes that should be gone by then. */
  async stopDev(signal: NodeJS.Signals): Promise<{ code: number | null; left: readonly number[] }> {
    const pids = (await notedChildren(this.home)).map(({ pid }) => pid);
    const exited = this.#dev === null ? Promise.resolve([null]) : once(this.#dev, 'exit');
    this.#dev?.kill(signal);
    const [code] = await exited;
    this.#dev = null;
    return { code, left: await stillRunning(pids) };
  }

  async walflow(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: this.folder, env: this.#env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const [code] = await once(child, 'close');
    return { code, output };
  }

  /** Waits until every table of the pipeline is live. */
  async live(tables: number): Promise<void> {
    await expect
      .poll(() => this.walflow('status', '--json').then(({ output }) => liveTables(output)), {
        timeout: START_MS,
        interval: 1_000,
        message: `all tables live; walflow dev said:\n${this.output}`,
      })
      .toBe(tables);
  }

  async kill(): Promise<void> {
    if (this.#dev !== null) await this.stopDev('SIGKILL');
    await this.walflow('down');
  }
}

interface ShownCommand {
  readonly args: readonly string[];
  readonly output: string;
}

/** What the README shows as typed and answered. */
function shownCommands(): readonly ShownCommand[] {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/^```\n(\$ [\s\S]*?)^```/gm)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((text) => {
      const [line = '', ...output] = text.trimEnd().split('\n');
      const words = line.replace('npm run -s walflow -- ', '').match(/"[^"]*"|\S+/g) ?? [];
      return { args: words.map((word) => word.replaceAll('"', '')), output: output.join('\n') };
    });
}

/** Lines of an answer without the figures and widths, which differ from run to run. */
function shape(output: string): readonly string[] {
  return output
    .trim()
    .replaceAll(/[\dA-F][\dA-F.,:/+-]*/g, '#')
    .replaceAll(/[ ─]+/g, ' ')
    .split('\n');
}

function liveTables(output: string): number {
  try {
    const { pipelines } = JSON.parse(output) as { pipelines: { tables: { state: string }[] }[] };
    return pipelines.flatMap(({ tables }) => tables).filter(({ state }) => state === 'live').length;
  } catch {
    return -1;
  }
}

describe('walflow dev --demo', () => {
  const dev = new DevHome();
  beforeAll(() => dev.choosePorts());
  afterAll(() => dev.kill());

  test('follows the shop: rows flow, the commands answer, source and warehouse are equal', {
    timeout: 300_000,
  }, async () => {
    dev.startDev('--demo', '--rate', '50');
    await dev.live(5);
    const { output } = await dev.walflow('query', '--json', 'select count(*) from public.orders');
    expect(JSON.parse(output)).toMatchObject({ columns: [{ type: 'BIGINT' }] });
    expect(dev.output).toMatch(/rows\/s/);
  });

  test.each(shownCommands())('answers $args as the README shows', { timeout: 180_000 }, async ({ args, output }) => {
    // The derived asset may still be computed.
    await expect
      .poll(async () => shape((await dev.walflow(...args)).output), { timeout: 120_000, interval: 1_000 })
      .toEqual(shape(output));
    expect((await dev.walflow(...args)).code).toBe(0);
  });

  test('shows commands in the README', () => {
    expect(shownCommands().map(({ args }) => args[0])).toEqual(['query', 'verify']);
  });

  test('a second one on the same state is refused and harms nothing', { timeout: 60_000 }, async () => {
    const second = await dev.walflow('dev', '--demo');
    expect(second.code).toBe(1);
    expect(second.output).toMatch(/\((DEV_ALREADY_RUNNING|PORT_TAKEN)\)/);
  });

  test('Ctrl-C stops everything and says what stays', { timeout: 60_000 }, async () => {
    const { code, left } = await dev.stopDev('SIGINT');
    expect(code, dev.output).toBe(0);
    expect(left).toEqual([]);
    expect(dev.output).toMatch(/slot walflow_shop stays on the source .* now\n {2}drop it with/);
  });

  test('starting again goes on where it was; what a kill -9 leaves is ended by walflow down', {
    timeout: 300_000,
  }, async () => {
    dev.startDev('--demo', '--rate', '50');
    await dev.live(5);
    expect(dev.output).not.toMatch(/the demo shop is created/);
    expect((await dev.walflow('verify', 'shop')).code).toBe(0);
    const pids = (await notedChildren(dev.home)).map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThanOrEqual(5);
    await dev.stopDev('SIGKILL');
    expect((await dev.walflow('down')).code).toBe(0);
    await expect.poll(() => stillRunning(pids), { timeout: 15_000 }).toEqual([]);
  });
});

describe('walflow dev --source', () => {
  const database = freshDatabase();
  const dev = new DevHome();
  beforeAll(async () => {
    await dev.choosePorts();
    await withClient(database.url, (client) =>
      client.query(
        'create table public.notes (id int primary key, text text); insert into public.notes values (1, $$a$$)',
      ),
    );
  });
  afterAll(() => dev.kill());

  test('names an obstacle at once, before any server starts', { timeout: 60_000 }, async () => {
    const { code, output } = await dev.walflow('dev', '--source', database.url, '--tables', 'public.nosuch');
    expect(code).toBe(1);
    expect(output).toMatch(/^error: .*public\.nosuch.*\(SOURCE_TABLE_MISSING\)$/m);
    expect(output).not.toMatch(/is ready/);
  });

  test('drops its slot on exit when asked, and copies everything again next time', { timeout: 400_000 }, async () => {
    const args = ['--source', database.url, '--tables', 'public.notes', '--pipeline', 'notes'];
    dev.startDev(...args, '--drop-slot-on-exit');
    await dev.live(1);
    expect((await dev.stopDev('SIGTERM')).code).toBe(0);
    expect(dev.output).toMatch(/slot walflow_notes is dropped/);
    expect(await slots()).toBe(0);
    await withClient(database.url, (client) => client.query('insert into public.notes values (2, null)'));

    dev.startDev(...args, '--drop-slot-on-exit');
    await expect.poll(() => dev.output, { timeout: START_MS }).toMatch(/slot walflow_notes is gone: it is made again/);
    await expect
      .poll(async () => (await dev.walflow('verify', 'notes')).output, { timeout: START_MS, interval: 2_000 })
      .toMatch(/public\.notes: equal, 2 rows/);
    await dev.stopDev('SIGINT');
  });

  test('remove takes slot and publications away and keeps the lake', { timeout: 60_000 }, async () => {
    const { code, output } = await dev.walflow('remove', 'notes', '--source', database.url);
    expect(code, output).toBe(0);
    expect(output).toMatch(/the lake is kept/);
    const count = await withClient(database.url, (client) => client.query('select from pg_publication'));
    expect(count.rowCount).toBe(0);
    const shown = await dev.walflow('slot', 'show', 'notes', '--source', database.url);
    expect(shown).toMatchObject({ code: 1, output: expect.stringMatching(/missing/) });
  });

  function slots(): Promise<number | null> {
    const sql = `select from pg_replication_slots where database = '${database.name}'`;
    return withClient(inject('servers').postgresUrl, async (client) => (await client.query(sql)).rowCount);
  }
});
