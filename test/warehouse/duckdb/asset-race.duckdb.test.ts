// A step of an asset, cut where others come in between: its compute reads one snapshot, its publish comes later.

import { describe, expect, test, vi } from 'vitest';
import { declareAssets, dueAssets } from '../../../activities/warehouse/duckdb/assets/assets.ts';
import { computeStep } from '../../../activities/warehouse/duckdb/assets/compute.ts';
import { materializeDue } from '../../../activities/warehouse/duckdb/assets/materialize.ts';
import { publishStep } from '../../../activities/warehouse/duckdb/assets/publish.ts';
import { listMaterializations } from '../../../activities/warehouse/duckdb/assets/records.ts';
import type { DuckDbSession } from '../../../activities/warehouse/duckdb/session.ts';
import { type MergePlan, placed } from '../../../activities/warehouse/merge-plan.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { INT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
let runs = 0;
const freshRun = () => ({ workflowId: 'materialize/x', runId: `run-${++runs}`, attempt: 1 });
const SLOW = `select count(*) as n from range(12000) a(x), range(12000) b(y) where (x * y) % 7 = 1`;
let pipelines = 0;

/** A captured table of its own and two assets that read it; each change is a manifest of its own. */
class Shop {
  readonly #name = `p${++pipelines}`;
  readonly day = `made_of_${this.#name}/by_day`;
  readonly whole = `made_of_${this.#name}/summary`;
  readonly slow = `made_of_${this.#name}/slow`;
  readonly #table = testEntry(`${this.#name}.orders`, { id: INT, total: INT, placed: TIMESTAMPTZ }, ['id']);
  readonly #dep = `${this.#name}/${this.#table.table}`;
  readonly #graph = this.#graphOf('sum(total)');
  #declared = this.#graph;
  #lsn = 100;

  static async open(...copied: readonly TestChange[]): Promise<Shop> {
    const shop = new Shop();
    await declareAssets(warehouse.owner, shop.#graph.derived, NOW);
    await shop.#merge({ begins: [placed(shop.#table)], loads: [await shop.#load(shop.#table, copied)] });
    return shop;
  }

  get lsn() {
    return lsnToHex(BigInt(this.#lsn));
  }

  get assets() {
    return this.#declared.derived;
  }

  get order() {
    return (key: string) => ({ asset: this.#graph.asset(key), run: freshRun() });
  }

  async change(...changes: readonly TestChange[]): Promise<void> {
    const at = changes.map((change) => ({ ...change, lsn: this.#lsn + 1 }));
    const files = [await warehouse.writer.write(this.#table, at)];
    await this.#merge({ tables: [{ ...placed(this.#table), files, truncates: [] }] });
  }

  async truncate(): Promise<void> {
    const truncates = [{ commitLsn: lsnToHex(BigInt(this.#lsn + 1)), ordinal: 0 }];
    await this.#merge({ tables: [{ ...placed(this.#table), files: [], truncates }] });
  }

  /** Asks for another copy; what loads it moves no watermark. */
  async copyAgain(...copied: readonly TestChange[]): Promise<() => Promise<void>> {
    const entry = { ...this.#table, snapshot: { ...this.#table.snapshot, id: 'copy-2' } };
    await this.#merge({ begins: [placed(entry)] });
    const load = await this.#load(entry, copied);
    return async () => {
      await this.#merge({ next: await warehouse.port.watermark(this.#name), loads: [load] });
    };
  }

  async declareOtherCode(): Promise<void> {
    this.#declared = this.#graphOf('sum(total) * 2');
    await declareAssets(warehouse.owner, this.#declared.derived, NOW);
  }

  async materialize(key: string) {
    return (await materializeDue(warehouse.owner, this.order(key))).records;
  }

  /** One attempt, with what others do between its compute and its publish; null = it published nothing. */
  async attempt(key: string, between: () => Promise<unknown>) {
    return await warehouse.owner.use(async (session: DuckDbSession) => {
      const order = { ...this.order(key), step: null };
      const staged = await computeStep(session, order);
      if (staged === null) throw new Error(`${key} is not due`);
      await between();
      return await publishStep(session, order, staged);
    });
  }

  /** As `attempt`, of a run that names one day. */
  async attemptOf(day: string, between: () => Promise<unknown>) {
    const asset = this.#graph.asset(this.day);
    const nowMs = Date.parse(NOW);
    const steps = [{ asset, scope: 'listed', partitions: [day] }] as const;
    const { id } = await warehouse.port.planRun({ cause: { kind: 'manual' }, steps, nowMs });
    return await warehouse.owner.use(async (session: DuckDbSession) => {
      const order = { asset, run: freshRun(), step: { run: id, no: 0, scope: 'listed', nowMs } as const };
      const staged = await computeStep(session, order);
      if (staged === null) throw new Error(`${day} is not computed`);
      await between();
      return await publishStep(session, order, staged);
    });
  }

  async days(): Promise<Record<string, number>> {
    const days = await warehouse.rows<{ day: string; total: number }>(
      `select day::DATE::VARCHAR as day, total::INT as total from made_of_${this.#name}.by_day order by 1`,
    );
    return Object.fromEntries(days.map(({ day, total }) => [day, total]));
  }

  /** What is published of both assets, and how many records there are. */
  async published() {
    const summary = await warehouse.rows(`select n::INT as n from made_of_${this.#name}.summary`);
    const records = [this.day, this.whole].map((key) => listMaterializations(warehouse.owner, key, { limit: 1_000 }));
    return { days: await this.days(), summary, records: (await Promise.all(records)).map(({ length }) => length) };
  }

  #graphOf(amount: string) {
    const byDay: AssetDefinition = {
      key: this.day,
      deps: [{ key: this.#dep, by: 'placed' }],
      partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
      sql: `select date_trunc('day', placed) as day, ${amount} as total from {${this.#dep}}
            where placed >= {start} and placed < {end} group by 1`,
    };
    const summary: AssetDefinition = {
      key: this.whole,
      deps: [this.#dep],
      sql: `select count(*) as n from {${this.#dep}}`,
    };
    const slow: AssetDefinition = { ...summary, key: this.slow, sql: SLOW };
    return buildAssetGraph([byDay, summary, slow], new Set([this.#name]));
  }

  async #load(entry: CaptureEntry, copied: readonly TestChange[]) {
    const rows = copied.map((row) => ({ ...row, op: 'r' as const }));
    const chunks = [await warehouse.writer.write(entry, rows)];
    return { ...placed(entry), r0Lsn: lsnToHex(1n), chunks, files: [], truncates: [] };
  }

  async #merge(parts: Partial<MergePlan>): Promise<void> {
    if (parts.next === undefined) this.#lsn += 10;
    await warehouse.merge(this.#name, this.#lsn, { readers: this.#graph.readersOfPipeline(this.#name), ...parts });
  }
}

const row = (id: number, total: number, day: string, op: TestChange['op'] = 'i'): TestChange => ({
  ...{ op, lsn: 1, ordinal: id, row: { id: String(id), total: String(total), placed: `${day} 12:00:00+00` } },
});
const isDue = async (shop: Shop, key: string) =>
  (await dueAssets(warehouse.owner, shop.assets)).some(({ asset }) => asset === key);

describe('a merge between compute and publish', () => {
  test('is still due: the record tells what the compute saw, and the next run sees the rest', async () => {
    const shop = await Shop.open(row(1, 10, '2026-01-05'));
    await shop.materialize(shop.day);
    await shop.change(row(2, 1, '2026-02-01'));
    const seen = shop.lsn;
    const records = await shop.attempt(shop.day, () => shop.change(row(3, 5, '2026-02-01'), row(4, 7, '2026-02-02')));
    expect(records).toMatchObject([
      { partition: '2026-02-01', rows: 1, inputs: [{ seqFrom: 1, seqTo: 2, lsnTo: seen }] },
    ]);
    expect(await shop.days()).toEqual({ '2026-01-05': 10, '2026-02-01': 1 });
    expect(await isDue(shop, shop.day)).toBe(true);
    expect(await shop.materialize(shop.day)).toMatchObject([
      { partition: '2026-02-01', inputs: [{ seqFrom: 3, seqTo: 3, lsnFrom: seen, lsnTo: shop.lsn }] },
      { partition: '2026-02-02', inputs: [{ seqFrom: 1, seqTo: 3, lsnTo: shop.lsn }] },
    ]);
    expect(await shop.days()).toEqual({ '2026-01-05': 10, '2026-02-01': 6, '2026-02-02': 7 });
    expect(await isDue(shop, shop.day)).toBe(false);
  });

  test('is still due as well when it moved no watermark', async () => {
    const shop = await Shop.open(row(1, 10, '2026-01-05'));
    const load = await shop.copyAgain(row(1, 10, '2026-01-05'), row(2, 20, '2026-01-06'));
    expect(await shop.attempt(shop.day, load)).toMatchObject([{ partition: '2026-01-05', inputs: [{ seqTo: 1 }] }]);
    expect(await shop.days()).toEqual({ '2026-01-05': 10 });
    expect(await isDue(shop, shop.day)).toBe(true);
    expect(await shop.materialize(shop.day)).toMatchObject([
      { partition: '2026-01-05', inputs: [{ seqFrom: 2, seqTo: 2 }] },
      { partition: '2026-01-06', inputs: [{ seqFrom: 1, seqTo: 2 }] },
    ]);
  });
});

test('a merge in the middle of a compute is seen by nothing of it', async () => {
  const shop = await Shop.open(row(1, 10, '2026-01-05'), row(2, 20, '2026-01-06'));
  const seen = shop.lsn;
  const records = await warehouse.owner.use(async (session) => {
    const original = session.run.bind(session);
    session.run = async (sql, ...more) => {
      // The plan is made, no row is computed yet.
      if (sql.startsWith('insert into temp.main._walflow_staged') && shop.lsn === seen) {
        await shop.change(row(1, 11, '2026-01-05', 'u'), row(2, 21, '2026-01-06', 'u'));
      }
      return await original(sql, ...more);
    };
    const order = { ...shop.order(shop.day), step: null };
    const staged = await computeStep(session, order);
    return staged === null ? null : await publishStep(session, order, staged);
  });
  expect(shop.lsn).not.toBe(seen);
  expect(records).toMatchObject([{ inputs: [{ lsnTo: seen }] }, { inputs: [{ lsnTo: seen }] }]);
  expect(await shop.days()).toEqual({ '2026-01-05': 10, '2026-01-06': 20 });
  expect(await isDue(shop, shop.day)).toBe(true);
});

describe('an older attempt that comes to publish behind a newer one publishes nothing', () => {
  const changes: readonly [string, (shop: Shop) => Promise<void>, Record<string, number>][] = [
    [
      'when a row changed',
      (shop) => shop.change(row(2, 50, '2026-02-01', 'u')),
      { '2026-01-05': 10, '2026-02-01': 50 },
    ],
    ['when a row moved', (shop) => shop.change(row(2, 1, '2026-03-01', 'u')), { '2026-01-05': 10, '2026-03-01': 1 }],
    ['when a row went', (shop) => shop.change(row(2, 1, '2026-02-01', 'd')), { '2026-01-05': 10 }],
    ['when all rows went', (shop) => shop.truncate(), {}],
    ['when nothing changed', () => Promise.resolve(), { '2026-01-05': 10, '2026-02-01': 1 }],
  ];

  test.each(changes)('%s', async (_, change, days) => {
    const shop = await Shop.open(row(1, 10, '2026-01-05'));
    await shop.materialize(shop.day);
    await shop.materialize(shop.whole);
    await shop.change(row(2, 1, '2026-02-01'));
    let newer: unknown;
    const byDay = await shop.attempt(shop.day, async () => {
      const summary = await shop.attempt(shop.whole, async () => {
        await change(shop);
        await shop.materialize(shop.day);
        await shop.materialize(shop.whole);
        newer = await shop.published();
      });
      expect(summary).toBeNull();
    });
    expect(byDay).toBeNull();
    expect(await shop.published()).toEqual(newer);
    expect(newer).toMatchObject({ days });
    expect([await isDue(shop, shop.day), await isDue(shop, shop.whole)]).toEqual([false, false]);
  });

  test('when the newer one found nothing at all, and left no record', async () => {
    const shop = await Shop.open(row(1, 10, '2026-01-05'));
    const older = await shop.attempt(shop.day, async () => {
      await shop.truncate();
      expect(await shop.materialize(shop.day)).toEqual([]);
    });
    expect(older).toBeNull();
    expect(await shop.days()).toEqual({});
    expect(await isDue(shop, shop.day)).toBe(false);
  });

  test('when the newer one only declared other code, which is then its own to compute', async () => {
    const shop = await Shop.open(row(1, 10, '2026-01-05'));
    expect(await shop.attempt(shop.day, () => shop.declareOtherCode())).toBeNull();
    expect(await shop.materialize(shop.day)).toEqual([]);
    expect(await isDue(shop, shop.day)).toBe(true);
  });
});

test('a run that was overtaken computes again what is still due', async () => {
  const shop = await Shop.open(row(1, 10, '2026-01-05'));
  const { publishing } = warehouse.owner;
  const asked = vi.spyOn(publishing, 'pass');
  let older: ReturnType<Shop['materialize']> | null = null;
  await publishing.pass(async () => {
    older = shop.materialize(shop.day);
    // It has computed, and waits for its turn to publish.
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2), { timeout: 10_000 });
    expect(await shop.attempt(shop.day, async () => {})).toMatchObject([{ partition: '2026-01-05' }]);
    await shop.change(row(2, 1, '2026-02-01'));
  });
  asked.mockRestore();
  expect(await older).toMatchObject([{ partition: '2026-02-01', inputs: [{ seqTo: 2 }] }]);
  expect(
    (await listMaterializations(warehouse.owner, shop.day, { limit: 2 })).map(({ partition }) => partition),
  ).toEqual([...['2026-02-01', '2026-01-05']]);
});

test('two steps that both find no table make it once: neither loses what the other has published', async () => {
  const shop = await Shop.open(row(1, 10, '2026-01-05'), row(2, 20, '2026-01-06'));
  const first = async () => expect(await shop.attemptOf('2026-01-05', async () => {})).toHaveLength(1);
  expect(await shop.attemptOf('2026-01-06', first)).toBeNull();
  expect(await shop.days()).toEqual({ '2026-01-05': 10 });
  expect(await shop.attemptOf('2026-01-06', async () => {})).toHaveLength(1);
  expect(await shop.days()).toEqual({ '2026-01-05': 10, '2026-01-06': 20 });
});

test('a slow compute holds up no publish of another asset', async () => {
  const shop = await Shop.open(row(1, 10, '2026-01-05'));
  const ended: string[] = [];
  const materialize = (key: string) => shop.materialize(key).then(() => ended.push(key));
  await Promise.all([materialize(shop.slow), materialize(shop.whole)]);
  expect(ended).toEqual([shop.whole, shop.slow]);
});

test('a warehouse that is closed lets a step publish what it computes', async () => {
  const shop = await Shop.open(row(1, 10, '2026-01-05'));
  const step = shop.materialize(shop.slow);
  await warehouse.close();
  expect(await step).toHaveLength(1);
  await warehouse.open();
  expect(await listMaterializations(warehouse.owner, shop.slow, { limit: 1 })).toEqual(await step);
});
