// Checks of an asset by day over one captured table: what breaks a blocking one is not published, the others only mark it.

import { describe, expect, test, vi } from 'vitest';
import type { Withheld } from '../../../activities/warehouse/check-order.ts';
import { dueAssets } from '../../../activities/warehouse/duckdb/assets/assets.ts';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import type { Checks } from '../../../workflows/model/asset/check.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { acceptedValues, check, notNull, relationship, rowCount, unique } from '../../../workflows/model/define.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import { INT, TEXT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
let shops = 0;
let runs = 0;
const freshRun = () => ({ workflowId: 'run/x', runId: `run-${++runs}`, attempt: 1 });

/** How an asset is made. */
type Made = Pick<AssetDefinition, 'deps' | 'partitions' | 'sql'>;

/** A captured table of its own, and an asset of its rows by day. */
class Shop {
  readonly #name = `p${++shops}`;
  readonly #table = testEntry(`${this.#name}.orders`, { id: INT, total: INT, placed: TIMESTAMPTZ, note: TEXT }, ['id']);
  readonly #dep = `${this.#name}/${this.#table.table}`;
  readonly key = `of_${this.#name}/by_day`;
  readonly place = `of_${this.#name}.by_day`;
  readonly byDay: Made = {
    deps: [{ key: this.#dep, by: 'placed' }],
    partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
    sql: `select id, total, note, placed as day from {${this.#dep}} where placed >= {start} and placed < {end}`,
  };
  #graph = this.#graphOf({});
  #lsn = 100;

  static async open(checks: Checks, ...copied: readonly TestChange[]): Promise<Shop> {
    const shop = new Shop();
    await shop.declare(checks);
    const chunks = [
      await warehouse.writer.write(
        shop.#table,
        copied.map((row) => ({ ...row, op: 'r' as const })),
      ),
    ];
    const load = { ...placed(shop.#table), r0Lsn: lsnToHex(1n), chunks, files: [], truncates: [] };
    await shop.#merge({ begins: [placed(shop.#table)], loads: [load] });
    return shop;
  }

  get dep() {
    return this.#dep;
  }

  get asset() {
    return this.#graph.asset(this.key);
  }

  async declare(checks: Checks, made = this.byDay): Promise<void> {
    this.#graph = this.#graphOf(checks, made);
    await warehouse.port.declareAssets(this.#graph.derived, NOW);
  }

  async change(...changes: readonly TestChange[]): Promise<void> {
    const at = changes.map((change) => ({ ...change, lsn: this.#lsn + 1 }));
    await this.#merge({
      tables: [{ ...placed(this.#table), files: [await warehouse.writer.write(this.#table, at)], truncates: [] }],
    });
  }

  /** One step: the days that were published, and `check day: rows` of the others. */
  async step(run = freshRun()) {
    const { records, withheld } = await warehouse.port.materialize({ asset: this.asset, run });
    return { days: records.map(({ partition }) => partition), withheld: withheld.map(textOf) };
  }

  async published(): Promise<readonly string[]> {
    const rows = await warehouse.rows<{ text: string }>(
      `select concat_ws(' ', id, total, day::DATE) as text from ${this.place} order by all`,
    );
    return rows.map(({ text }) => text);
  }

  async due(): Promise<readonly string[]> {
    return (await dueAssets(warehouse.owner, this.#graph.derived)).map(({ asset }) => asset);
  }

  async results() {
    return await warehouse.port.checks([this.asset]);
  }

  #graphOf(checks: Checks, made = this.byDay) {
    return buildAssetGraph([{ key: this.key, checks, ...made }], new Set([this.#name]));
  }

  async #merge(parts: Parameters<TestWarehouse['merge']>[2]): Promise<void> {
    this.#lsn += 10;
    await warehouse.merge(this.#name, this.#lsn, { readers: this.#graph.readersOfPipeline(this.#name), ...parts });
  }
}

const textOf = ({ check: name, partition, failing }: Withheld) => `${name} ${partition}: ${failing}`;

const row = (id: number, total: number | null, day: string, op: TestChange['op'] = 'i'): TestChange => ({
  op,
  lsn: 1,
  ordinal: id,
  row: { id: `${id}`, total: total === null ? null : `${total}`, placed: `2026-${day} 10:00:00+00`, note: null },
});

const noNegative = { no_negative: check({ sql: 'select * from {this} where total < 0;', blocking: true }) };

describe('a blocking check', () => {
  test('leaves out the partitions that break it, keeps their old rows, and publishes the others', async () => {
    const shop = await Shop.open({ ...noNegative, key: unique('id') }, row(1, 10, '01-05'), row(2, 20, '01-06'));
    expect(await shop.step()).toEqual({ days: ['2026-01-05', '2026-01-06'], withheld: [] });
    await shop.change(row(1, -1, '01-05', 'u'), row(3, -3, '01-05'), row(2, 21, '01-06', 'u'), row(4, 40, '01-07'));
    expect(await shop.step()).toEqual({
      days: ['2026-01-06', '2026-01-07'],
      withheld: ['no_negative 2026-01-05: 2'],
    });
    expect(await shop.published()).toEqual(['1 10 2026-01-05', '2 21 2026-01-06', '4 40 2026-01-07']);
  });

  test('of the number of all rows holds back only the partitions that bring it down', async () => {
    const first = [row(1, 1, '01-05'), row(2, 1, '01-05'), row(3, 1, '01-06'), row(4, 1, '01-06')];
    const shop = await Shop.open({ enough: { ...rowCount({ min: 3 }), blocking: true } }, ...first);
    await shop.step();
    await shop.change(row(1, 1, '01-05', 'd'), row(2, 1, '01-05', 'd'), row(3, 9, '01-06', 'u'));
    expect(await shop.step()).toMatchObject({ days: ['2026-01-06'] });
    expect(await shop.published()).toEqual(['1 1 2026-01-05', '2 1 2026-01-05', '3 9 2026-01-06', '4 1 2026-01-06']);
  });

  test('leaves its partitions due until they pass', async () => {
    const shop = await Shop.open(noNegative, row(1, 10, '01-05'), row(2, -20, '01-06'));
    expect(await shop.step()).toMatchObject({ days: ['2026-01-05'], withheld: ['no_negative 2026-01-06: 1'] });
    // It was found by a search of the inputs, which found all there is.
    expect(await shop.due()).toEqual([shop.key]);
    expect(await warehouse.partitionsIn(shop.asset, 'missing')).toEqual(['2026-01-06']);
    expect(await shop.step()).toEqual({ days: [], withheld: ['no_negative 2026-01-06: 1'] });
    await shop.change(row(2, 20, '01-06', 'u'));
    expect(await shop.step()).toEqual({ days: ['2026-01-06'], withheld: [] });
    expect(await shop.due()).toEqual([]);
    expect(await shop.published()).toEqual(['1 10 2026-01-05', '2 20 2026-01-06']);
  });

  test('keeps the old rows of an asset without partitions', async () => {
    const shop = await Shop.open({}, row(1, 10, '01-05'));
    const low = { low: check({ sql: 'from {new} where total > 10', blocking: true }) };
    await shop.declare(low, { sql: `select sum(total) as total from {${shop.dep}}`, deps: [shop.dep] });
    expect(await shop.step()).toEqual({ days: [null], withheld: [] });
    await shop.change(row(1, 11, '01-05', 'u'));
    expect(await shop.step()).toEqual({ days: [], withheld: ['low null: 1'] });
    expect(await warehouse.rows(`select total::INT as total from ${shop.place}`)).toEqual([{ total: 10 }]);
    expect(await shop.due()).toEqual([shop.key]);
    await shop.change(row(1, 9, '01-05', 'u'));
    expect(await shop.step()).toEqual({ days: [null], withheld: [] });
  });

  test('does not accuse a row that moves to another partition of the step of being there twice', async () => {
    const shop = await Shop.open(
      { once: { ...unique('total'), blocking: true } },
      ...[row(1, 10, '01-05'), row(2, 20, '01-06')],
    );
    await shop.step();
    await shop.change(row(2, 20, '01-05', 'u'), row(3, 7, '01-07'), row(4, 7, '01-07'));
    expect(await shop.step()).toEqual({ days: ['2026-01-05', '2026-01-06'], withheld: ['once 2026-01-07: 1'] });
    expect(await shop.published()).toEqual(['1 10 2026-01-05', '2 20 2026-01-05']);
  });

  test('keeps a row that moves out of a partition that is left out from being published twice', async () => {
    const once = { once: { ...unique('id'), blocking: true }, ...noNegative };
    const shop = await Shop.open(once, row(1, 10, '01-05'), row(2, 20, '01-06'), row(9, 90, '01-09'));
    await shop.step();
    await shop.change(row(1, -10, '01-05', 'u'), row(3, 1, '01-09'));
    await shop.change(row(4, 1, '01-05'), row(1, 10, '01-06', 'u'), row(5, -5, '01-05'));
    expect(await shop.step()).toEqual({
      days: ['2026-01-09'],
      withheld: ['no_negative 2026-01-05: 1', 'once 2026-01-06: 1'],
    });
    expect(await shop.published()).toEqual(['1 10 2026-01-05', '2 20 2026-01-06', '3 1 2026-01-09', '9 90 2026-01-09']);
  });

  test('runs again if another step of the asset has published since', async () => {
    const shop = await Shop.open(
      { once: { ...unique('total'), blocking: true } },
      ...[row(1, 10, '01-05'), row(2, 20, '01-06')],
    );
    await shop.step();
    await shop.change(row(1, 30, '01-05', 'u'));
    const { publishing } = warehouse.owner;
    const asked = vi.spyOn(publishing, 'pass');
    let running: ReturnType<typeof shop.step> | null = null;
    await publishing.pass(async () => {
      running = shop.step();
      await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2), { timeout: 20_000, interval: 5 });
      // As a step of another day does.
      await warehouse.rows(`update ${shop.place} set total = 30 where id = 2`);
      await warehouse.rows(
        `update _walflow.partitions set no = no + 100 where asset = '${shop.key}' and partition = '2026-01-06'`,
      );
    });
    asked.mockRestore();
    expect(await running).toEqual({ days: [], withheld: ['once 2026-01-05: 1'] });
  });

  test('of a table that is made again holds back all of it', async () => {
    const shop = await Shop.open(noNegative, row(1, 10, '01-05'), row(2, 20, '01-06'));
    await shop.step();
    await shop.change(row(2, -20, '01-06', 'u'));
    const sql = `select id, total, placed as day, 'x' as more from {${shop.dep}} where placed >= {start} and placed < {end}`;
    await shop.declare(noNegative, { ...shop.byDay, sql });
    expect(await shop.step()).toEqual({
      days: [],
      withheld: ['no_negative 2026-01-06: 1', 'no_negative 2026-01-05: 0'],
    });
    expect(await shop.published()).toEqual(['1 10 2026-01-05', '2 20 2026-01-06']);
    await shop.change(row(2, 22, '01-06', 'u'));
    expect(await shop.step()).toEqual({ days: ['2026-01-05', '2026-01-06'], withheld: [] });
    expect(await warehouse.rows(`select distinct more from ${shop.place}`)).toEqual([{ more: 'x' }]);
  });

  test.each([
    ['does not bind', 'select no_such_column from {new}', /did not run: Binder Error/],
    // DuckDB aborts the transaction of a statement that fails while it runs.
    ['fails while it runs', "from {new} where (note || 'secret')::INT > 0", /did not run: Conversion error$/],
  ])('whose SQL %s publishes nothing, says so, and no value of a cell', async (_, sql, message) => {
    const shop = await Shop.open({ odd: check({ sql, blocking: true }) }, row(1, 10, '01-05'));
    await shop.change({ ...row(2, 1, '01-05'), row: { ...row(2, 1, '01-05').row, note: 'pin' } });
    const failure = await shop.step().catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ code: 'ASSET_CHECK_FAILED', message: expect.stringMatching(message) });
    expect(failure).toMatchObject({ message: expect.not.stringMatching(/pin|secret/) });
    expect(await shop.results()).toMatchObject([{ name: 'odd', state: 'error', failing: 0, partitions: [] }]);
    expect(await shop.due()).toEqual([shop.key]);
  });
});

describe('a generic check, blocking and not,', () => {
  test.each<[string, Checks[string], readonly TestChange[], number]>([
    ['notNull', notNull('id', 'total'), [row(1, null, '01-05'), row(2, 2, '01-05')], 1],
    [
      'acceptedValues',
      acceptedValues('total', [1, 2]),
      [row(1, 1, '01-05'), row(2, 3, '01-05'), row(3, null, '01-05')],
      1,
    ],
    [
      'unique',
      unique('total'),
      [row(1, 1, '01-05'), row(2, 1, '01-05'), row(3, null, '01-05'), row(4, null, '01-05')],
      1,
    ],
    ['rowCount below', rowCount({ min: 2 }), [row(1, 1, '01-05')], 1],
    ['rowCount above', rowCount({ min: 1, max: 1 }), [row(1, 1, '01-05'), row(2, 1, '01-05')], 1],
    ['a text', 'select * from {this} where total = 1', [row(1, 1, '01-05'), row(2, 2, '01-05')], 1],
  ])('%s finds the rows that break it', async (_, rule, rows, failing) => {
    const declared = typeof rule === 'string' ? check({ sql: rule }) : rule;
    if (declared === undefined) throw new Error('no check');
    const blocked = await Shop.open({ it: { ...declared, blocking: true } }, ...rows);
    expect(await blocked.step()).toEqual({ days: [], withheld: [`it 2026-01-05: ${failing}`] });
    const marked = await Shop.open({ it: declared }, ...rows);
    expect(await marked.step()).toEqual({ days: ['2026-01-05'], withheld: [] });
    await warehouse.port.checkPublished({ asset: marked.asset, run: freshRun() });
    expect(await marked.results()).toMatchObject([{ name: 'it', state: 'failed', failing }]);
  });

  test('relationship finds values that the other table lacks, also if that is empty', async () => {
    const shop = await Shop.open({}, row(1, 1, '01-05'), row(2, 7, '01-05'), row(3, null, '01-05'));
    const related = { known: { ...relationship('total', shop.dep, 'id'), blocking: true } };
    await shop.declare(related);
    expect(await shop.step()).toEqual({ days: [], withheld: ['known 2026-01-05: 1'] });
  });
});

describe('results', () => {
  const keys = (id: number) => ({ id: `${id}` });

  test('name the keys of failing rows, the partitions that are held back, and the run', async () => {
    const shop = await Shop.open(
      { ...noNegative, key: unique('id') },
      ...[row(1, -1, '01-05'), row(2, -2, '01-05'), row(3, -3, '01-06'), row(4, 4, '01-07')],
    );
    expect(await shop.results()).toMatchObject([
      { name: 'no_negative', state: 'unknown', at: null, severity: 'error', blocking: true },
      { name: 'key', state: 'unknown', at: null, blocking: false },
    ]);
    const run = freshRun();
    await shop.step(run);
    expect((await shop.results())[0]).toEqual({
      ...{ asset: shop.key, name: 'no_negative', severity: 'error', blocking: true },
      ...{ state: 'failed', failing: 3, keys: [], at: expect.stringMatching(/^\d{4}-.*Z$/), runId: run.runId },
      partitions: [
        { partition: '2026-01-05', failing: 2, keys: [keys(1), keys(2)] },
        { partition: '2026-01-06', failing: 1, keys: [keys(3)] },
      ],
      partitionCount: 2,
    });
    // One day is corrected, another one computed: the check still holds one back.
    await shop.change(row(3, 3, '01-06', 'u'), row(5, 5, '01-08'));
    await shop.step();
    expect((await shop.results())[0]).toMatchObject({ state: 'failed', failing: 2, partitionCount: 1 });
    await shop.change(row(1, 1, '01-05', 'u'), row(2, 2, '01-05', 'u'));
    await shop.step();
    expect((await shop.results())[0]).toMatchObject({ state: 'passed', failing: 0, partitions: [], partitionCount: 0 });
  });

  test('keep few keys, and none of an asset that names no key', async () => {
    const many = Array.from({ length: 25 }, (_, i) => row(i, 1, '01-05'));
    const shop = await Shop.open({ none: 'from {this}', key: unique('id'), twice: unique('total') }, ...many);
    await shop.step();
    await warehouse.port.checkPublished({ asset: shop.asset, run: freshRun() });
    const [none, , twice] = await shop.results();
    expect(none?.keys).toHaveLength(20);
    expect(twice?.keys).toEqual([{ total: '1' }]);
    await shop.declare({ none: 'from {this}' });
    await shop.change(row(30, 1, '01-05'));
    await shop.step();
    await warehouse.port.checkPublished({ asset: shop.asset, run: freshRun() });
    expect(await shop.results()).toMatchObject([{ name: 'none', failing: 26, keys: [] }]);
  });

  test('of a check that does not block mark the records of the run that published', async () => {
    const odd = check({ sql: 'select no_such_column from {this}' });
    const few = check({ sql: 'from {this} where total < 0', severity: 'warn' });
    const shop = await Shop.open({ odd, few, some: rowCount({ min: 1 }) }, row(1, -1, '01-05'));
    const run = freshRun();
    expect(await shop.step(run)).toEqual({ days: ['2026-01-05'], withheld: [] });
    const marks = [
      { name: 'odd', state: 'error' },
      { name: 'few', state: 'warned' },
    ];
    const order = { asset: shop.asset, run };
    expect(await warehouse.port.checkPublished(order)).toEqual(marks);
    expect(await warehouse.port.materializations(shop.key, { limit: 9 })).toMatchObject([{ checks: marks }]);
    expect(await shop.results()).toMatchObject([
      { name: 'odd', state: 'error', error: expect.stringContaining('Binder Error') },
      { name: 'few', state: 'warned', failing: 1 },
      { name: 'some', state: 'passed', failing: 0 },
    ]);
    // Once after a publish, also if it is asked again.
    expect(await warehouse.port.checkPublished(order)).toEqual([]);
    await shop.change(row(1, 1, '01-05', 'u'));
    const next = freshRun();
    await shop.step(next);
    await warehouse.port.checkPublished({ asset: shop.asset, run: next });
    const [newest] = await warehouse.port.materializations(shop.key, { limit: 1 });
    expect(newest?.checks).toEqual([{ name: 'odd', state: 'error' }]);
  });

  test('say nothing before there was a partition to check', async () => {
    const nowhere = { ...row(1, 1, '01-05'), row: { ...row(1, 1, '01-05').row, placed: null } };
    const shop = await Shop.open(noNegative, nowhere);
    expect(await shop.step()).toEqual({ days: [], withheld: [] });
    expect(await shop.results()).toMatchObject([{ state: 'unknown', at: null }]);
  });

  test('are forgotten with the rule that they are of', async () => {
    const shop = await Shop.open(noNegative, row(1, -1, '01-05'));
    await shop.step();
    expect(await shop.results()).toMatchObject([{ state: 'failed' }]);
    await shop.declare({ no_negative: check({ sql: 'from {this} where total < -5', blocking: true }) });
    expect(await shop.results()).toMatchObject([{ state: 'unknown', failing: 0, partitionCount: 0 }]);
    expect(await shop.due()).toEqual([shop.key]);
  });
});
