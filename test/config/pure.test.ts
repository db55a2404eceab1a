import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../workers/config/duration.ts';
import { nearestName } from '../../workers/config/nearest-name.ts';
import { matchesTable, overlaps } from '../../workers/config/table-pattern.ts';

describe('durations', () => {
  test.each([
    ['2 minutes', 120_000],
    ['30s', 30_000],
    ['1.5 h', 5_400_000],
    ['1 day', 86_400_000],
    ['250 ms', 250],
    ['3 Min', 180_000],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '2', 'minutes', '-1 s', '0 s', '2 fortnights', '1 s 2 ms', '9e9 d'])('%j is none', (text) =>
    expect(parseDuration(text)).toBeNull(),
  );
});

describe('nearest name', () => {
  const FIELDS = ['maxDelayMs', 'maxRows', 'maxBytes', 'url'];

  test.each([
    ['maxDelayMS', 'maxDelayMs'],
    ['maxRow', 'maxRows'],
    ['mxaBytes', 'maxBytes'],
    ['ulr', 'url'],
  ])('%s means %s', (wrong, meant) => expect(nearestName(wrong, FIELDS)).toBe(meant));

  test('nothing close is nothing meant', () => expect(nearestName('colour', FIELDS)).toBeNull());

  test('one slip of the finger is found, wherever it happened', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('maxDelayMs', 'warehouse', 'publication'),
        fc.nat(8),
        fc.constantFrom('x', ''),
        (name, at, by) => {
          const wrong = name.slice(0, at) + by + name.slice(at + 1);
          expect(nearestName(wrong, ['maxDelayMs', 'warehouse', 'publication'])).toBe(name);
        },
      ),
    );
  });
});

describe('table patterns', () => {
  test('a pattern names its table, or all of its schema', () => {
    expect(matchesTable('public.orders', 'public.orders')).toBe(true);
    expect(matchesTable('public.*', 'public.orders')).toBe(true);
    expect(matchesTable('public.*', 'other.orders')).toBe(false);
    expect(matchesTable('public.orders', 'public.order')).toBe(false);
  });

  test('names that differ only in case are one table in the warehouse', () => {
    expect(overlaps('public.Orders', 'public.orders')).toBe(true);
    expect(overlaps('public.*', 'PUBLIC.x')).toBe(true);
    expect(overlaps('public.Äb', 'PUBLIC.Äb')).toBe(true);
    expect(overlaps('public.Äb', 'public.äb')).toBe(false);
    expect(overlaps('a.*', 'b.*')).toBe(false);
  });
});
