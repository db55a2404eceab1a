import { describe, expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { type AssetGraph, buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { change, INT, TEXT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const DATE = 1082;
const warehouse = TestWarehouse.forFile();
const orders = testEntry('public.orders', { id: INT, placed: TIMESTAMPTZ, due: DATE, note: TEXT }, ['id']);
const ORDERS = 'shop/public.orders';

const berlin = (kind: 'hourly' | 'daily' | 'monthly', by: string, start: string, bound = by): AssetDefinition => ({
  key: `a/${kind}_${by}`,
  deps: [{ key: ORDERS, by }],
  partitions: { kind, start, timezone: 'Europe/Berlin', output: 't' },
  sql: `select id, ${bound} as t, {partition} as part from {${ORDERS}} where ${bound} >= {start} and ${bound} < {end}`,
});
const hourly = berlin('hourly', 'placed', '2026-10-01T00');
const monthly = berlin('monthly', 'placed', '2026-01');
const byDue = berlin('daily', 'due', '2026-01-01');
/** Reads the hours of the one above, partition by partition. */
const above: AssetDefinition = {
  ...hourly,
  key: 'a/above',
  deps: ['a/hourly_placed'],
  sql: 'select t, part from {a/hourly_placed} where t >= {start} and t < {end}',
};

let graph: AssetGraph;
const materialize = async ({ key }: AssetDefinition) => {
  const run = { workflowId: 'w', runId: crypto.randomUUID(), attempt: 1 };
  const { records } = await warehouse.port.materialize({ asset: graph.asset(key), run });
  return records.map(({ partition }) => partition).sort();
};
const row = (op: TestChange['op'], id: number, at: string, due = '2026-10-25') =>
  change(op, 1, id, { id: `${id}`, placed: at, due, note: 'x' });

async function declare(...assets: readonly AssetDefinition[]): Promise<void> {
  graph = buildAssetGraph(assets, new Set(['shop']));
  await warehouse.port.declareAssets(graph.derived, NOW);
}

test('the two hours of one name are two partitions', async () => {
  await declare(hourly, monthly, byDue, above);
  const rows = [
    row('r', 1, '2026-10-25 00:30:00+00'),
    row('r', 2, '2026-10-25 01:30:00+00'),
    row('r', 3, '2026-10-31 22:59:59+00'),
    row('r', 4, '2026-10-31 23:00:00+00', '2026-10-26'),
  ];
  const readers = graph.readersOfPipeline('shop');
  await warehouse.merge('shop', 100, {
    ...{ begins: [placed(orders)], loads: [await warehouse.load(orders, rows, [])], readers },
  });
  expect(await materialize(hourly)).toEqual([
    ...['2026-10-25T02+01:00', '2026-10-25T02+02:00', '2026-10-31T23', '2026-11-01T00'],
  ]);
  expect(await materialize(above)).toHaveLength(4);
  expect(await materialize(monthly)).toEqual(['2026-10', '2026-11']);
  expect(await warehouse.rows('select id::INT as id, part from a.monthly_placed order by id')).toMatchObject([
    ...[{ part: '2026-10' }, { part: '2026-10' }, { part: '2026-10' }, { part: '2026-11' }],
  ]);
});

test('a DATE is compared with dates, whatever the zone', async () => {
  expect(await materialize(byDue)).toEqual(['2026-10-25', '2026-10-26']);
  expect(await warehouse.rows(`select count(*)::INT as n from a.daily_due where part = t::VARCHAR`)).toEqual([
    { n: 4 },
  ]);
});

test('a row that moves from one to the other touches both, and so does what reads them', async () => {
  const moved = [await warehouse.changes(orders, [{ ...row('u', 1, '2026-10-25 01:10:00+00'), lsn: 150 }])];
  await warehouse.merge('shop', 200, { tables: moved, readers: graph.readersOfPipeline('shop') });
  const hours = ['2026-10-25T02+01:00', '2026-10-25T02+02:00'];
  expect(await materialize(hourly)).toEqual(hours);
  expect(await materialize(above)).toEqual(hours);
  expect(await warehouse.rows(`select part, count(*)::INT as n from a.above where part like '%+%' group by 1`)).toEqual(
    [{ part: '2026-10-25T02+01:00', n: 2 }],
  );
});

test('a day that changes is computed again by its week, and by the days whose window reaches it', async () => {
  const days: AssetDefinition = {
    key: 'b/days',
    ...{ deps: [{ key: ORDERS, by: 'due' }], partitions: { kind: 'daily', start: '2026-01-01', output: 't' } },
    sql: `select due as t, count(*) as n from {${ORDERS}} where due >= {start} and due < {end} group by 1`,
  };
  const reading = (key: string, start: number, kind: 'daily' | 'weekly', from: string): AssetDefinition => ({
    ...{ key, deps: [{ key: 'b/days', mapping: { kind: 'same', start, end: 0 } }] },
    partitions: { kind, start: kind === 'daily' ? '2026-01-01' : '2026-01-05', output: 't' },
    sql: `select {start} as t, sum(n) as n from {b/days} where t >= ${from} and t < {end}`,
  });
  const weeks = reading('b/weeks', 0, 'weekly', '{start}');
  const threeDays = reading('b/three_days', -2, 'daily', '{start} - 2');
  await declare(days, weeks, threeDays);
  await materialize(days);
  expect(await materialize(weeks)).toEqual(['2026-10-19', '2026-10-26']);
  expect(await materialize(threeDays)).toEqual(['2026-10-25', '2026-10-26', '2026-10-27', '2026-10-28']);
  const row5 = change('i', 205, 9, { id: '9', placed: null, due: '2026-10-26', note: 'y' });
  const tables = [await warehouse.changes(orders, [row5])];
  await warehouse.merge('shop', 210, { tables, readers: graph.readersOfPipeline('shop') });
  expect(await materialize(days)).toEqual(['2026-10-26']);
  expect(await materialize(weeks)).toEqual(['2026-10-26']);
  expect(await materialize(threeDays)).toEqual(['2026-10-26', '2026-10-27', '2026-10-28']);
  expect(await warehouse.rows('select t::VARCHAR as t, n::INT as n from b.three_days order by t')).toEqual([
    ...[
      { t: '2026-10-25', n: 3 },
      { t: '2026-10-26', n: 5 },
      { t: '2026-10-27', n: 5 },
      { t: '2026-10-28', n: 2 },
    ],
  ]);
});

describe('partitions of several dimensions', () => {
  const values = ['a|b', '50%', 'x'];
  const byDayAndNote: AssetDefinition = {
    key: 'a/notes',
    deps: [{ key: ORDERS, by: { day: 'due', note: 'note' } }],
    partitions: {
      kind: 'multi',
      dimensions: {
        day: { kind: 'daily', start: '2026-01-01', output: 'day' },
        note: { kind: 'static', values, output: 'note' },
      },
    },
    sql: `select due as day, note, count(*) as n, {partition} as part from {${ORDERS}}
          where due >= {start} and due < {end} and note = url_decode(split_part({partition}, '|', 2)) group by 1, 2`,
  };
  const above: AssetDefinition = {
    ...byDayAndNote,
    key: 'a/n',
    deps: ['a/notes'],
    sql: 'from {a/notes} where part = {partition}',
  };
  const byNote: AssetDefinition = {
    ...{ key: 'a/note', deps: [ORDERS], partitions: { kind: 'static', values, output: 'note' } },
    sql: `select note, count(*) as n from {${ORDERS}} where note = url_decode({partition}) group by 1`,
  };

  test('are made where rows are, and touched where a row was and is', async () => {
    await declare(byDayAndNote, above, byNote);
    expect(await materialize(byDayAndNote)).toEqual(['2026-10-25|x', '2026-10-26|x']);
    await materialize(above);
    const rows = [
      {
        ...row('u', 4, '2026-10-31 23:00:00+00', '2026-10-27'),
        row: { id: '4', placed: null, due: '2026-10-27', note: 'a|b' },
      },
      {
        ...row('i', 5, '2026-10-31 23:00:00+00'),
        ordinal: 5,
        row: { id: '5', placed: null, due: '2026-10-27', note: '50%' },
      },
      {
        ...row('i', 6, '2026-10-31 23:00:00+00'),
        ordinal: 6,
        row: { id: '6', placed: null, due: '2026-10-27', note: 'other' },
      },
    ].map((one) => ({ ...one, lsn: 250 }));
    const readers = graph.readersOfPipeline('shop');
    await warehouse.merge('shop', 300, { tables: [await warehouse.changes(orders, rows)], readers });
    const touched = ['2026-10-26|x', '2026-10-27|50%25', '2026-10-27|a%7Cb'];
    expect(await materialize(byDayAndNote)).toEqual(touched);
    expect(await materialize(above)).toEqual(touched);
    expect(await warehouse.rows('select part from a.n order by 1')).toEqual([
      ...[{ part: '2026-10-25|x' }, { part: '2026-10-27|50%25' }, { part: '2026-10-27|a%7Cb' }],
    ]);
  });

  test('that are listed are all made, also those without rows', async () => {
    expect(await materialize(byNote)).toEqual(['50%25', 'a%7Cb', 'x']);
    expect(await warehouse.rows('select note, n::INT as n from a.note order by 1')).toEqual([
      ...[
        { note: '50%', n: 1 },
        { note: 'a|b', n: 1 },
        { note: 'x', n: 3 },
      ],
    ]);
  });
});

describe('a run fails and says why when its column', () => {
  test.each([
    [
      'is no date',
      berlin('daily', 'note', '2026-01-01'),
      'note of shop/public.orders, whose type VARCHAR has no place in daily partitions',
    ],
    [
      'is a date, and partitions are hours',
      berlin('hourly', 'due', '2026-01-01T00'),
      'whose type DATE has no place in hourly',
    ],
    [
      'does not exist',
      berlin('daily', 'paid', '2026-01-01', 'placed'),
      'paid of shop/public.orders, which does not exist',
    ],
  ])('%s', async (_, asset, why) => {
    await declare(asset);
    const changes = [await warehouse.changes(orders, [{ ...row('u', 2, '2026-10-26 01:10:00+00'), lsn: 1_000 }])];
    const { endLsn } = await warehouse.port.watermark('shop');
    const end = Number.parseInt(endLsn, 16) + 100;
    await warehouse.merge('shop', end, { tables: changes, readers: graph.readersOfPipeline('shop') });
    await expect(materialize(asset)).rejects.toMatchObject({
      code: 'ASSET_FAILED',
      message: expect.stringContaining(why),
    });
  });
});
