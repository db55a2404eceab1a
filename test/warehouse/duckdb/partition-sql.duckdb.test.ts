// Where values are placed, held against the model and against what the runtime says the clock shows.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BoundType,
  boundSql,
  keySql,
  placeOfKeySql,
  placeSql,
} from '../../../activities/warehouse/duckdb/partition-sql.ts';
import {
  gridFloor,
  keyOnGrid,
  type TimeGrain,
  type TimePartitions,
  timeInstants,
} from '../../../workflows/model/asset/time-partition.ts';
import { clockShows, instantsUs, ZONES } from '../../support/clock-oracle.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const STARTS = { hourly: '2020-01-01T00', daily: '2020-01-01', weekly: '2020-01-06', monthly: '2020-01' } as const;
const GRAINS = ['hourly', 'daily', 'weekly', 'monthly'] as const;
const by = (kind: TimeGrain, timezone = 'UTC', end?: string): TimePartitions => ({
  ...{ kind, start: STARTS[kind], timezone, output: 'at' },
  ...(end === undefined ? {} : { end }),
});

/** The keys of values, in their order. */
async function keysOf(partitions: TimePartitions, values: readonly string[], zone?: string) {
  const rows = await warehouse.rows<{ key: string | null }>(
    `select ${keySql(partitions, placeSql(partitions, ['v'], zone))} as key
     from (${listed(values)}) order by i`,
  );
  return rows.map(({ key }) => key);
}

const listed = (values: readonly string[]) =>
  `select unnest([${values.join(', ')}]) as v, unnest(range(${values.length})) as i`;

describe.each(ZONES)('in %s', (zone) => {
  const instants = fc.array(instantsUs(zone), { minLength: 200, maxLength: 200 });

  test.each(GRAINS)('a TIMESTAMPTZ is placed %s by the instant', async (kind) => {
    await fc.assert(
      fc.asyncProperty(instants, async (all) => {
        const keys = await keysOf(
          by(kind, zone),
          all.map((us) => `make_timestamptz(${us})`),
        );
        for (const [i, us] of all.entries()) {
          const { day, hour, offset } = clockShows(zone, Number(us / 1000n));
          const shown = keyOnGrid(kind, gridFloor(kind, Date.parse(`${day}T${hour}:00:00Z`)));
          expect([shown, `${shown}${offset}`]).toContain(keys[i]);
          const { fromUs, toUs } = timeInstants(by(kind, zone), keys[i] ?? '');
          expect(fromUs <= us && us < toUs, `${us} in ${keys[i]}`).toBe(true);
        }
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });

  test.each<[TimeGrain, BoundType, string?]>([
    ['hourly', 'TIMESTAMPTZ'],
    ['hourly', 'TIMESTAMP'],
    ['hourly', 'TIMESTAMP', zone],
    ['daily', 'TIMESTAMPTZ'],
    ['daily', 'TIMESTAMP'],
    ['daily', 'TIMESTAMP', zone],
    ['daily', 'TIMESTAMP', 'Asia/Tokyo'],
    ['daily', 'DATE'],
    ['weekly', 'DATE'],
    ['monthly', 'DATE'],
    ['monthly', 'TIMESTAMP', zone],
  ])('{start} and {end} of %s partitions bound just what is placed there: %s %s', async (kind, type, from) => {
    const partitions = by(kind, zone);
    await fc.assert(
      fc.asyncProperty(instants, async (all) => {
        const values = all.map((us) => `make_timestamp(${us})::${type}`);
        const keys = await keysOf(partitions, values, from);
        const bound = (key: string, which: 'start' | 'end') =>
          boundSql(partitions, key, which, { type, ...(from === undefined ? {} : { zone: from }) });
        const bounds = [...new Set(keys)].flatMap((key) =>
          key === null ? [] : [`('${key}', ${bound(key, 'start')}, ${bound(key, 'end')})`],
        );
        const within = await warehouse.rows<{ i: number; key: string }>(
          `select i::INT as i, key from (${listed(values)}) join (values ${bounds.join(', ')}) b(key, low, high)
           on v >= low and v < high order by i`,
        );
        expect(bounds.length).toBeGreaterThan(2);
        const placed = keys.map((key, i) => ({ i, key })).filter(({ key }) => key !== null);
        expect(within).toEqual(placed);
      }),
      { numRuns: 2, endOnFailure: true },
    );
  });
});

test.each([
  ['west of UTC', 'America/New_York'],
  ['east of it', 'Australia/Lord_Howe'],
])('a DATE is placed by the calendar, %s', async (_, zone) => {
  const dates = [`DATE '2026-11-01'`, `DATE '2026-04-05'`];
  expect(await keysOf(by('daily', zone), dates)).toEqual(['2026-11-01', '2026-04-05']);
  expect(await keysOf(by('weekly', zone), dates)).toEqual(['2026-10-26', '2026-03-30']);
  expect(await keysOf(by('monthly', zone), dates)).toEqual(['2026-11', '2026-04']);
});

test('a TIMESTAMP is UTC, or what the clock of the named zone showed; skipped times are those of the jump', async () => {
  const berlin = by('hourly', 'Europe/Berlin');
  const times = ['2026-10-25 00:30', '2026-10-25 01:30', '2026-10-25 02:30', '2026-03-29 02:30'].map(
    (time) => `TIMESTAMP '${time}:00'`,
  );
  expect(await keysOf(berlin, times)).toEqual([
    ...['2026-10-25T02+02:00', '2026-10-25T02+01:00', '2026-10-25T03', '2026-03-29T04'],
  ]);
  expect(await keysOf(berlin, times, 'Europe/Berlin')).toEqual([
    ...['2026-10-25T00', '2026-10-25T01', '2026-10-25T02+02:00', '2026-03-29T03'],
  ]);
  expect(await keysOf(by('daily', 'Europe/Berlin'), [`TIMESTAMP '2026-05-01 07:30:00'`], 'Asia/Tokyo')).toEqual([
    '2026-05-01',
  ]);
  expect(await keysOf(by('daily', 'Europe/Berlin'), [`TIMESTAMP '2026-05-01 06:30:00'`], 'Asia/Tokyo')).toEqual([
    '2026-04-30',
  ]);
});

test('a clock that is set back over midnight does not begin the day before once more', async () => {
  const stJohns = { ...by('daily', 'America/St_Johns'), start: '2000-01-01' };
  const times = ['02:30:30', '02:31:00', '03:15:00'].map((time) => `TIMESTAMPTZ '2006-10-29 ${time}+00'`);
  expect(await keysOf(stJohns, times)).toEqual(['2006-10-29', '2006-10-29', '2006-10-29']);
});

describe('no partition has', () => {
  test.each([
    [
      'TIMESTAMPTZ',
      ['NULL', `'infinity'`, `'-infinity'`, `'2019-12-31 22:59:59.999999+00'`, `'2026-06-30 22:00:00+00'`],
    ],
    ['TIMESTAMP', ['NULL', `'infinity'`, `'-infinity'`, `'2019-12-31 22:59:59.999999'`, `'2026-06-30 22:00:00'`]],
    ['DATE', ['NULL', `'infinity'`, `'-infinity'`, `'2019-12-31'`, `'2026-07-01'`]],
  ])('%s: NULL, infinity, what lies before the start or behind the end', async (type, values) => {
    const until = by('daily', 'Europe/Berlin', '2026-07-01');
    const typed = values.map((value) => `${value}::${type}`);
    expect(await keysOf(until, typed)).toEqual(values.map(() => null));
  });
});

test.each(GRAINS)('the place of a key is that of its values: %s', async (kind) => {
  const partitions = by(kind, 'Europe/Berlin');
  const rows = await warehouse.rows(
    `select 1 from (select make_timestamptz(1790000000000000) as v)
     where ${placeSql(partitions, ['v'])} = ${placeOfKeySql(partitions, keySql(partitions, placeSql(partitions, ['v'])))}`,
  );
  expect(rows).toHaveLength(1);
});

test('years have as many digits as they need', async () => {
  const forever = (kind: TimeGrain, start: string) => ({ ...by(kind), start });
  const far = [`TIMESTAMP '0033-04-03 15:00:00'`, `TIMESTAMP '12026-01-31 10:00:00'`];
  expect(await keysOf(forever('hourly', '0001-01-01T00'), far)).toEqual(['0033-04-03T15', '12026-01-31T10']);
  expect(await keysOf(forever('monthly', '0001-01'), far)).toEqual(['0033-04', '12026-01']);
  expect(await keysOf(forever('daily', '0001-01-01'), far)).toEqual(['0033-04-03', '12026-01-31']);
});
