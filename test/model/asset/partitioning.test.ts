import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  columnsOf,
  type Dimension,
  firstKey,
  isSameDivision,
  keyOfValue,
  listedKeys,
  type Partitions,
  timeDimension,
} from '../../../workflows/model/asset/partitioning.ts';

const day = { kind: 'daily', start: '2026-01-01', output: 'd' } as const;
const region = { kind: 'static', values: ['eu', 'a|b', '50%'], output: 'r' } as const;
const size = { kind: 'static', values: ['s', 'l'], output: 's' } as const;
const multi = (dimensions: Record<string, Dimension>): Partitions => ({
  ...{ kind: 'multi', dimensions },
});
const byBoth = multi({ day, region });

test('a key has one part for each dimension, in their order; what divides is escaped', () => {
  expect(firstKey(byBoth)).toBe('2026-01-01|eu');
  expect(listedKeys(region)).toEqual(['eu', 'a%7Cb', '50%25']);
  expect(listedKeys(multi({ size, region }))).toEqual([
    ...['s|eu', 's|a%7Cb', 's|50%25', 'l|eu', 'l|a%7Cb', 'l|50%25'],
  ]);
  expect(listedKeys(byBoth)).toBeNull();
});

test('no two lists of values have the same key', () => {
  const values = fc.array(fc.string({ unit: fc.constantFrom('|', '%', '7', 'C', '2', '5', 'x') }), {
    ...{ minLength: 2, maxLength: 2 },
  });
  const keyOf = (parts: readonly string[]) => parts.map(keyOfValue).join('|');
  fc.assert(
    fc.property(values, values, (one, other) => {
      expect(keyOf(one) === keyOf(other)).toBe(one.join('\n') === other.join('\n'));
      expect(keyOf(one).split('|').map(decodeURIComponent)).toEqual(one);
    }),
    { numRuns: 2_000 },
  );
});

test('{start} and {end} are those of the one dimension by time', () => {
  expect(timeDimension(byBoth)).toEqual({ time: day, at: 0 });
  expect(timeDimension(multi({ size, day }))?.at).toBe(1);
  expect(timeDimension(region)).toBeNull();
  expect(timeDimension(multi({ day, region, again: { ...day, output: 'e' } }))).toBeNull();
});

test('columns are named for each dimension, and only for those', () => {
  expect(columnsOf(byBoth, { region: 'country', day: 'created_at' })).toEqual(['created_at', 'country']);
  expect(columnsOf(day, 'created_at')).toEqual(['created_at']);
  expect(columnsOf(byBoth, { day: 'created_at' })).toBeNull();
  expect(columnsOf(byBoth, { day: 'created_at', region: 'country', more: 'x' })).toBeNull();
  expect(columnsOf(byBoth, 'created_at')).toBeNull();
  expect(columnsOf(day, { day: 'created_at' })).toBeNull();
});

test('two assets are divided alike when a key means the same in both', () => {
  expect(isSameDivision(byBoth, multi({ day: { ...day, start: '2025-01-01' }, region }))).toBe(true);
  expect(isSameDivision(byBoth, multi({ region, day }))).toBe(false);
  expect(isSameDivision(byBoth, day)).toBe(false);
  expect(isSameDivision(day, region)).toBe(false);
  expect(isSameDivision(day, { ...day, kind: 'weekly' })).toBe(false);
  expect(isSameDivision(day, { ...day, timezone: 'UTC' })).toBe(true);
  expect(isSameDivision(day, { ...day, timezone: 'Europe/Berlin' })).toBe(false);
});
