import { describe, expect, test } from 'vitest';
import { mappedKeysSql } from '../../../activities/warehouse/duckdb/mapping-sql.ts';
import { type DependencyMapping, resolveMapping } from '../../../workflows/model/asset/mapping.ts';
import type { Partitions } from '../../../workflows/model/asset/partitioning.ts';
import {
  gridFloor,
  keyOnGrid,
  onClock,
  type TimeGrain,
  type TimePartitions,
  timeInstants,
} from '../../../workflows/model/asset/time-partition.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const STARTS = { hourly: '2026-10-01T00', daily: '2026-10-01', weekly: '2026-09-28', monthly: '2026-10' } as const;
const ENDS = { hourly: '2026-11-10T00', daily: '2026-12-01', weekly: '2026-11-30', monthly: '2027-01' } as const;
const by = (kind: TimeGrain, timezone = 'Europe/Berlin'): TimePartitions => ({
  ...{ kind, start: STARTS[kind], end: ENDS[kind], timezone, output: 't' },
});

async function mapped(from: Partitions, to: Partitions, mapping: DependencyMapping, keys: readonly string[]) {
  const resolved = resolveMapping(from, to, mapping);
  if (resolved.tag !== 'mapped') throw new Error(`${resolved.tag} is no mapping`);
  const list = mappedKeysSql({ tag: 'mapped', columns: [], from, to, mapping: resolved.mapping }, 'key');
  const values = keys.map((key) => `'${key}'`).join(', ');
  const rows = await warehouse.rows<{ key: string; keys: string[] }>(
    `select key, list_sort(${list}) as keys from (select unnest([${values}]) as key)`,
  );
  return Object.fromEntries(rows.map((row) => [row.key, row.keys]));
}

/** All partitions of a division without hours that occur twice, in the order of time. */
function listOf(partitions: TimePartitions): readonly string[] {
  const keys: string[] = [];
  for (let key = partitions.start; key !== partitions.end; ) {
    keys.push(key);
    key = keyOnGrid(partitions.kind, onClock(partitions, key).toMs);
  }
  return keys;
}

describe('by time, a partition is read by those whose window it overlaps', () => {
  test.each<[TimeGrain, TimeGrain, number, number, string?]>([
    ['daily', 'daily', 0, 0],
    ['daily', 'daily', -6, 0],
    ['daily', 'daily', -1, 2],
    ['daily', 'weekly', 0, 0],
    ['daily', 'weekly', -1, 0],
    ['daily', 'monthly', 0, 0],
    ['weekly', 'daily', 0, 0],
    ['weekly', 'monthly', 0, 1],
    ['monthly', 'weekly', -2, -1],
    ['hourly', 'daily', 0, 0, 'UTC'],
    ['daily', 'hourly', -1, 0, 'UTC'],
  ])('%s by %s, from %i to %i', async (fromKind, toKind, start, end, zone) => {
    const [from, to] = [by(fromKind, zone), by(toKind, zone)];
    const [inputs, readers] = [listOf(from), listOf(to)];
    const wanted = inputs.map((input) => {
      const { fromUs, toUs } = timeInstants(from, input);
      const reads = (_: string, i: number) => {
        // A window that reaches beyond the division still reads what is there.
        const moved = (n: number) => movedBy(to, readers[i] ?? '', n);
        return timeInstants(to, moved(start)).fromUs < toUs && fromUs < timeInstants(to, moved(end)).toUs;
      };
      return [input, readers.filter(reads).sort()];
    });
    expect(await mapped(from, to, { kind: 'same', start, end }, inputs)).toEqual(Object.fromEntries(wanted));
  });

  function movedBy(partitions: TimePartitions, key: string, n: number): string {
    const { fromMs, toMs } = onClock(partitions, key);
    if (n === 0) return key;
    const next = keyOnGrid(partitions.kind, n > 0 ? toMs : gridFloor(partitions.kind, fromMs - 1));
    return movedBy(partitions, next, n > 0 ? n - 1 : n + 1);
  }
});

test('an hour keeps its offset; the hours of a day are read by it', async () => {
  const keys = ['2026-10-25T02+01:00', '2026-10-25T02+02:00', '2026-10-25T03', '2026-09-30T23'];
  const same = { kind: 'same', start: 0, end: 0 } as const;
  expect(await mapped(by('hourly'), by('hourly'), same, keys)).toEqual({
    ...Object.fromEntries(keys.map((key) => [key, [key]])),
    '2026-09-30T23': [],
  });
  expect(await mapped(by('hourly'), by('daily'), same, keys.slice(0, 3))).toEqual(
    Object.fromEntries(keys.slice(0, 3).map((key) => [key, ['2026-10-25']])),
  );
});

test('dimensions are mapped by name; one without a mapping is read as a whole', async () => {
  const region = { kind: 'static', values: ['eu', 'a|b'], output: 'r' } as const;
  const size = { kind: 'static', values: ['s', 'l'], output: 's' } as const;
  const from: Partitions = { kind: 'multi', dimensions: { region, day: by('daily') } };
  const to: Partitions = {
    kind: 'multi',
    dimensions: { day: by('daily'), region: { ...region, values: ['a|b'] }, size },
  };
  const window = { kind: 'same', start: -1, end: 0 } as const;
  const same = { kind: 'same', start: 0, end: 0 } as const;
  expect(await mapped(from, to, { day: window, region: same }, ['a%7Cb|2026-10-03', 'eu|2026-10-03'])).toEqual({
    'a%7Cb|2026-10-03': ['2026-10-03|a%7Cb|l', '2026-10-03|a%7Cb|s', '2026-10-04|a%7Cb|l', '2026-10-04|a%7Cb|s'],
    'eu|2026-10-03': [],
  });
  expect(await mapped(from, by('weekly'), { day: same }, ['eu|2026-10-03'])).toEqual({
    'eu|2026-10-03': ['2026-09-28'],
  });
});
