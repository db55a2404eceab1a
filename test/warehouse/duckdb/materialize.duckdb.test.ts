import { describe, expect, test } from 'vitest';
import { declareAssets, dueAssets } from '../../../activities/warehouse/duckdb/assets/assets.ts';
import { materializeDue } from '../../../activities/warehouse/duckdb/assets/materialize.ts';
import { listMaterializations } from '../../../activities/warehouse/duckdb/assets/records.ts';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import { INT, TEXT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const pipelines = new Set(['shop']);
const orders = testEntry('public.orders', { id: INT, total: INT, placed: TIMESTAMPTZ, note: TEXT }, ['id']);
let runs = 0;
const freshRun = () => ({ workflowId: 'materialize/x', runId: `run-${++runs}`, attempt: 1 });

const byDay: AssetDefinition = {
  key: 'analytics/by_day',
  deps: [{ key: 'shop/public.orders', by: 'placed' }],
  partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
  sql: `select date_trunc('day', placed) as day, sum(total) as total from {shop/public.orders}
        where placed >= {start} and placed < {end} group by 1 -- a comment at the end`,
};
const whole: AssetDefinition = {
  key: 'analytics/summary',
  deps: ['analytics/by_day'],
  sql: 'select count(*) as days from {analytics/by_day};',
};

let graph = buildAssetGraph([byDay, whole], pipelines);

async function declare(...declared: readonly AssetDefinition[]): Promise<void> {
  graph = buildAssetGraph(declared, pipelines);
  await declareAssets(warehouse.owner, graph.derived, NOW);
}

const materialize = async ({ key }: AssetDefinition, run = freshRun()) =>
  (await materializeDue(warehouse.owner, { asset: graph.asset(key), run })).records;
const due = async () => (await dueAssets(warehouse.owner, graph.derived)).map(({ asset }) => asset);
const daysOf = (records: readonly { partition: string | null }[]) => records.map((record) => record.partition);
const totals = () =>
  warehouse.rows(`select day::DATE::VARCHAR as day, total::INT as total from analytics.by_day order by 1`);

async function merge(endLsn: number, list: readonly TestChange[]) {
  const files = [await warehouse.writer.write(orders, list)];
  return await warehouse.merge('shop', endLsn, {
    tables: [{ ...placed(orders), files, truncates: [] }],
    readers: graph.readersOfPipeline('shop'),
  });
}

const row = (
  id: number,
  total: number,
  placed: string | null,
  lsn: number,
  op: TestChange['op'] = 'i',
): TestChange => ({
  ...{ op, lsn, ordinal: id, row: { id: String(id), total: String(total), placed, note: null } },
});

describe('a derived asset', () => {
  test('is not due before its inputs are loaded, and is due as a whole then', async () => {
    await declare(byDay, whole);
    expect(await due()).toEqual([]);
    const copied = [
      row(1, 10, '2026-01-05 10:00:00+00', 1, 'r'),
      row(2, 20, '2026-01-06 23:59:59.999999+00', 1, 'r'),
      row(3, 5, '2026-01-06 00:00:00+00', 1, 'r'),
      row(4, 99, '2025-12-31 00:00:00+00', 1, 'r'),
      row(5, 7, null, 1, 'r'),
    ];
    const chunks = [await warehouse.writer.write(orders, copied)];
    await warehouse.merge('shop', 100, {
      begins: [placed(orders)],
      loads: [{ ...placed(orders), r0Lsn: lsnToHex(1n), chunks, files: [], truncates: [] }],
      readers: graph.readersOfPipeline('shop'),
    });
    expect(await due()).toEqual(['analytics/by_day']);
  });

  test('makes its table from its own types and records every day with the watermark it read', async () => {
    const records = await materialize(byDay);
    expect(daysOf(records)).toEqual(['2026-01-05', '2026-01-06']);
    expect(await totals()).toEqual([
      { day: '2026-01-05', total: 10 },
      { day: '2026-01-06', total: 25 },
    ]);
    expect(records[0]).toMatchObject({
      ...{ workflowId: 'materialize/x', runId: 'run-1', attempt: 1 },
      rows: 1,
      inputs: [{ asset: 'shop/public.orders', seqFrom: 1, seqTo: 1, lsnFrom: lsnToHex(0n), lsnTo: lsnToHex(100n) }],
    });
    expect(await materialize(byDay)).toEqual([]);
  });

  test('makes the assets that read it due', async () => {
    expect(await due()).toEqual(['analytics/summary']);
    expect(await materialize(whole)).toMatchObject([
      { partition: null, rows: 1, inputs: [{ seqTo: 1, lsnTo: lsnToHex(100n) }] },
    ]);
    expect(await warehouse.rows('select days::INT as days from analytics.summary')).toEqual([{ days: 2 }]);
    expect(await due()).toEqual([]);
  });

  test('is due for the day a row left and the day it came to, and recomputes just those', async () => {
    const outcome = await merge(200, [row(2, 30, '2026-01-09 01:00:00+00', 150, 'u'), row(6, 1, 'infinity', 151)]);
    expect(outcome.touchedAssets).toEqual(['analytics/by_day']);
    const records = await materialize(byDay);
    expect(daysOf(records)).toEqual(['2026-01-06', '2026-01-09']);
    expect(records.map((record) => record.inputs[0])).toMatchObject([
      { seqFrom: 2, seqTo: 2, lsnFrom: lsnToHex(100n), lsnTo: lsnToHex(200n) },
      { seqFrom: 1, seqTo: 2, lsnFrom: lsnToHex(0n), lsnTo: lsnToHex(200n) },
    ]);
    expect(await totals()).toEqual([
      { day: '2026-01-05', total: 10 },
      { day: '2026-01-06', total: 5 },
      { day: '2026-01-09', total: 30 },
    ]);
  });

  test('is not due after a change of rows that lie on no day of its own', async () => {
    await materialize(whole);
    const outcome = await merge(210, [row(5, 8, null, 205, 'u'), row(4, 98, '2025-12-31 00:00:00+00', 206, 'u')]);
    expect(outcome.touchedAssets).toEqual([]);
    expect(await due()).toEqual([]);
  });

  test('empties the day its last row was deleted from', async () => {
    await merge(220, [{ op: 'd', lsn: 215, ordinal: 0, row: { id: '2' } }]);
    expect(await materialize(byDay)).toMatchObject([{ partition: '2026-01-09', rows: 0 }]);
    expect(await totals()).toHaveLength(2);
  });

  test('loses no mark of a merge that commits while it runs', async () => {
    await merge(230, [row(7, 1, '2026-02-01 00:00:00+00', 225)]);
    const [records] = await Promise.all([materialize(byDay), merge(240, [row(8, 1, '2026-02-01 05:00:00+00', 235)])]);
    const sawBoth = records[0]?.inputs[0]?.lsnTo === lsnToHex(240n);
    expect((await due()).includes('analytics/by_day')).toBe(!sawBoth);
    await materialize(byDay);
    expect(await totals()).toContainEqual({ day: '2026-02-01', total: 2 });
  });

  test('is due as a whole after a truncate', async () => {
    await warehouse.merge('shop', 250, {
      tables: [{ ...placed(orders), files: [], truncates: [{ commitLsn: lsnToHex(245n), ordinal: 0 }] }],
      readers: graph.readersOfPipeline('shop'),
    });
    expect(daysOf(await materialize(byDay))).toEqual(['2026-01-05', '2026-01-06', '2026-01-09', '2026-02-01']);
    expect(await totals()).toEqual([]);
  });

  test('that produces rows of another day fails, names the day, and stays due', async () => {
    const wrong = {
      ...byDay,
      sql: `select placed + interval 1 day as day, total from {shop/public.orders} where placed >= {start} and placed < {end}`,
    };
    await declare(wrong);
    await merge(260, [row(9, 1, '2026-03-01 00:00:00+00', 255)]);
    await expect(materialize(wrong)).rejects.toMatchObject({
      code: 'ASSET_OUTSIDE_WINDOW',
      message: expect.stringContaining('2026-03-01'),
    });
    expect(await due()).toEqual(['analytics/by_day']);
    expect(await totals()).toEqual([]);
  });

  test('is made again when its SQL changes its shape', async () => {
    const counted = {
      ...byDay,
      sql: `select placed::date as day, count(*) as n, {'a': 1} as s from {shop/public.orders} where placed >= {start} and placed < {end} group by 1`,
    };
    await declare(counted);
    expect(daysOf(await materialize(counted)), 'every day that it has').toEqual([
      ...['2026-01-05', '2026-01-06', '2026-01-09', '2026-02-01', '2026-03-01'],
    ]);
    expect(await warehouse.rows('select day, n::INT as n from analytics.by_day')).toEqual([
      { day: '2026-03-01', n: 1 },
    ]);
  });

  test('whose SQL does not bind fails without a word of any value', async () => {
    const broken = {
      ...byDay,
      sql: 'select nothing_here as day from {shop/public.orders} where placed >= {start} and placed < {end}',
    };
    await declare(broken);
    await expect(materialize(broken)).rejects.toMatchObject({
      code: 'ASSET_FAILED',
      message: expect.stringContaining('nothing_here'),
    });
    const cast = { ...byDay, sql: `select note::int as day from (select 'secret' as note)` };
    await declare(cast);
    const failure = await materialize(cast).catch((error: Error) => error.message);
    expect(failure).toContain('Conversion');
    expect(failure).not.toContain('secret');
  });

  test('lists its records newest first, page by page, and by partition', async () => {
    const all = await listMaterializations(warehouse.owner, byDay.key, { limit: 100 });
    const first = await listMaterializations(warehouse.owner, byDay.key, { limit: 4 });
    const rest = await listMaterializations(warehouse.owner, byDay.key, { limit: 100, cursor: first.at(-1)?.id ?? '' });
    expect([...first, ...rest]).toEqual(all);
    expect(all[0]).toMatchObject({ partition: '2026-03-01' });
    expect(
      daysOf(await listMaterializations(warehouse.owner, byDay.key, { limit: 9, partition: '2026-01-05' })),
    ).toEqual(['2026-01-05', '2026-01-05', '2026-01-05']);
  });

  test('makes a reader due for its own partitions, from the first one that the reader has', async () => {
    const late: AssetDefinition = {
      key: 'analytics/late',
      deps: ['analytics/by_day'],
      partitions: { kind: 'daily', start: '2026-03-01', output: 'day' },
      sql: 'select day, total from {analytics/by_day} where day >= {start} and day < {end}',
    };
    await declare(byDay, late);
    await materialize(byDay);
    await materialize(late);
    await merge(270, [row(10, 1, '2026-02-03 00:00:00+00', 265), row(11, 2, '2026-03-02 00:00:00+00', 266)]);
    expect(daysOf(await materialize(byDay))).toEqual(['2026-02-03', '2026-03-02']);
    expect(daysOf(await materialize(late))).toEqual(['2026-03-02']);
  });

  test('makes a reader due as a whole when its own table is made again: a day may be gone', async () => {
    const [, late] = graph.derived;
    const sql = byDay.sql.replace('as total', 'as total, 1 as extra');
    await merge(275, [{ op: 'd', lsn: 272, ordinal: 0, row: { id: '9' } }]);
    const other = { ...byDay, sql };
    await declare(other, ...(late === undefined ? [] : [late.definition]));
    await materialize(other);
    expect(daysOf(await materialize(late?.definition ?? byDay))).toEqual(['2026-03-01', '2026-03-02']);
    expect(await warehouse.rows('select total::INT as total from analytics.late')).toEqual([{ total: 2 }]);
  });

  test('whose rows come out as they were is unchanged, and makes nothing due that reads it', async () => {
    const halved = { ...whole, key: 'analytics/halved', sql: 'select total // 2 as half from {analytics/by_day}' };
    await declare(byDay, halved);
    await materialize(byDay);
    await materialize(halved);
    await merge(276, [row(20, 4, '2026-02-20 00:00:00+00', 275), row(21, 6, '2026-02-20 01:00:00+00', 275)]);
    expect(await materialize(byDay)).toMatchObject([{ partition: '2026-02-20' }]);
    const first = await materialize(halved);
    expect(first[0]).not.toHaveProperty('unchanged');
    await merge(277, [row(20, 5, '2026-02-20 00:00:00+00', 276, 'u'), row(21, 5, '2026-02-20 01:00:00+00', 276, 'u')]);
    const [same] = await materialize(byDay);
    expect(same).toMatchObject({ partition: '2026-02-20', unchanged: true });
    expect(await due()).toEqual([]);
    expect((await listMaterializations(warehouse.owner, byDay.key, { limit: 1 }))[0]).toEqual(same);
    expect(await materialize(byDay)).toEqual([]);
    await merge(278, [row(20, 6, '2026-02-20 00:00:00+00', 277, 'u')]);
    expect(await materialize(byDay)).not.toMatchObject([{ unchanged: true }]);
    expect(await due()).toEqual(['analytics/halved']);
    // 11 // 2 is what 10 // 2 was: one row repeated more or less often would not be.
    expect(await materialize(halved)).toMatchObject([{ unchanged: true }]);
  });

  test('is never unchanged at first, even over no rows, and not when a row is there once more', async () => {
    const listed = { ...whole, key: 'analytics/listed', sql: "select 'x' as x from {analytics/by_day}" };
    await declare(byDay, listed);
    await materialize(byDay);
    expect((await materialize(listed))[0]).not.toHaveProperty('unchanged');
    await merge(279, [row(22, 1, '2026-02-21 00:00:00+00', 278)]);
    await materialize(byDay);
    expect((await materialize(listed))[0]).not.toHaveProperty('unchanged');
  });

  test('is published once by a run, however often its activity is repeated', async () => {
    const run = freshRun();
    const again = () => materialize(byDay, run);
    await merge(280, [row(22, 2, '2026-02-21 00:00:00+00', 279, 'u')]);
    expect(daysOf(await again())).toEqual(['2026-02-21']);
    await merge(281, [row(22, 3, '2026-02-21 00:00:00+00', 280, 'u')]);
    expect(await again()).toEqual([]);
    expect(await due(), 'the next run does it').toContain(byDay.key);
    expect(daysOf(await materialize(byDay))).toEqual(['2026-02-21']);
  });

  test('is not unchanged at first on a day whose rows came and went', async () => {
    await merge(282, [row(30, 1, '2026-02-25 00:00:00+00', 281)]);
    await merge(283, [{ op: 'd', lsn: 282, ordinal: 0, row: { id: '30' } }]);
    const [first] = await materialize(byDay);
    expect(first).toMatchObject({ partition: '2026-02-25', rows: 0 });
    expect(first).not.toHaveProperty('unchanged');
  });

  test('over inputs without rows has nothing to make, and is not due again', async () => {
    await warehouse.merge('shop', 290, {
      tables: [{ ...placed(orders), files: [], truncates: [{ commitLsn: lsnToHex(285n), ordinal: 0 }] }],
    });
    // From another day on, so that its days are not those that changes of others have touched.
    const partitions = { kind: 'daily', start: '2026-01-02', dep: 'placed', output: 'day' } as const;
    const fresh = { ...byDay, key: 'analytics/fresh', partitions };
    await declare(fresh);
    expect(await due()).toEqual(['analytics/fresh']);
    expect(await materialize(fresh)).toEqual([]);
    expect(await due()).toEqual([]);
    expect(await warehouse.rows('select * from analytics.fresh')).toEqual([]);
  });

  test('places a row of a year with five digits', async () => {
    await declare(byDay);
    await merge(300, [row(12, 9, '12026-01-01 10:00:00+00', 295)]);
    expect(daysOf(await materialize(byDay))).toContain('12026-01-01');
    expect(await totals()).toContainEqual({ day: '12026-01-01', total: 9 });
  });
});
