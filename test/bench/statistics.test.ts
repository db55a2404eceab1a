import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median, quantile, ratioOf } from './statistics.ts';

test('the median of an odd number is the middle one, of an even number the mean of two', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('the 99th percentile of 100 values is exceeded by one', () => {
  expect(quantile([...Array(100).keys()], 0.99)).toBe(98);
});

test('a ratio is taken round by round, not between the medians', () => {
  expect(ratioOf([10, 40, 30], [10, 20, 10])).toEqual({ median: 2, min: 1, max: 3 });
});

test('a quantile is one of the values, and no share reaches outside', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        expect(values).toContain(quantile(values, share));
      },
    ),
  );
});
