import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { notedChildren } from '../../../workers/embedded/pid-file.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { stillRunning } from '../../support/process.ts';
import { DevHome, START_MS } from './dev-home.ts';

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

  test.each([
    { args: ['slot', 'show', 'shop'], says: /slot walflow_shop: ok/ },
    { args: ['check'], says: /project \S+ is valid .*walflow\.config/ },
    { args: ['status'], says: /shop +streaming/ },
    { args: ['query', 'select 41 + 1'], says: /42/ },
    { args: ['verify', 'shop', '--table', 'public.products'], says: /public\.products: equal/ },
    { args: ['start', 'shop'], says: /ingest\/shop/ },
    { args: ['deploy', '--dry-run'], says: /= walflow\/shop\/nightly is as configured/ },
    { args: ['schedules'], says: /nightly .* active/ },
    { args: ['resync', 'shop', 'public.products'], says: /gets a new snapshot/ },
    { args: ['pause', 'shop'], says: /is pausing/ },
    { args: ['resume', 'shop'], says: /goes on/ },
  ])(
    '$args works in a second terminal that knows only the state folder',
    { timeout: 120_000 },
    async ({ args, says }) => {
      const { code, output } = await dev.elsewhere(...args);
      expect(output).toMatch(says);
      expect(code, output).toBe(0);
    },
  );

  test('only its owner can read what other terminals need to know', () => {
    expect(statSync(join(dev.home, 'running.json')).mode & 0o777).toBe(0o600);
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
    expect(existsSync(join(dev.home, 'running.json'))).toBe(false);
    expect((await dev.elsewhere('slot', 'show', 'shop')).output).toMatch(/\(CONFIG_NOT_FOUND\)/);
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
