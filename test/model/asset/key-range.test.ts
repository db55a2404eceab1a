import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keysInRange } from '../../../workflows/model/asset/key-range.ts';
import type { Partitions } from '../../../workflows/model/asset/partitioning.ts';
import { type TimeGrain, timeInstants } from '../../../workflows/model/asset/time-partition.ts';
import { ZONES } from '../../support/clock-oracle.ts';

const daily = (start: string, timezone = 'UTC', end?: string) =>
  ({ kind: 'daily', start, timezone, output: 'day', ...(end === undefined ? {} : { end }) }) as const;
const regions = { kind: 'static', values: ['eu', 'a|b'], output: 'region' } as const;
const at = (iso: string) => Date.parse(iso);

describe('the keys of a range', () => {
  test('include both ends', () => {
    const range = { from: '2026-01-30', to: '2026-02-02' };
    const keys = keysInRange(daily('2026-01-01'), range, at('2026-11-01T00:00Z'));
    expect(keys).toEqual(['2026-01-30', '2026-01-31', '2026-02-01', '2026-02-02']);
  });

  test('end with the partition that has begun, by the clock of its zone', () => {
    const keys = (zone: string) => keysInRange(daily('2026-11-26', zone), {}, at('2026-11-27T23:30Z'));
    expect(keys('UTC')).toEqual(['2026-11-26', '2026-11-27']);
    expect(keys('Europe/Berlin')).toEqual(['2026-11-26', '2026-11-27', '2026-11-28']);
  });

  test('stay within the partitions', () => {
    const partitions = daily('2026-01-10', 'UTC', '2026-01-12');
    expect(keysInRange(partitions, { from: '2026-01-01' }, at('2026-11-01T00:00Z'))).toEqual([
      '2026-01-10',
      '2026-01-11',
    ]);
  });

  test('hold an hour that occurs twice as two, and leave out one that is skipped', () => {
    const hourly = { kind: 'hourly', start: '2026-01-01T00', timezone: 'Europe/Berlin', output: 'at' } as const;
    const keys = (from: string, to: string) => keysInRange(hourly, { from, to }, at('2026-12-01T00:00Z'));
    expect(keys('2026-10-25T01', '2026-10-25T03')).toEqual([
      ...['2026-10-25T01', '2026-10-25T02+02:00', '2026-10-25T02+01:00', '2026-10-25T03'],
    ]);
    expect(keys('2026-10-25T02+01:00', '2026-10-25T02+01:00')).toEqual(['2026-10-25T02+01:00']);
    expect(keys('2026-03-29T01', '2026-03-29T03')).toEqual(['2026-03-29T01', '2026-03-29T03']);
  });

  test('leave out a day that a zone has skipped', () => {
    const keys = keysInRange(daily('2011-12-29', 'Pacific/Apia'), { to: '2011-12-31' }, at('2026-01-01T00:00Z'));
    expect(keys).toEqual(['2011-12-29', '2011-12-31']);
  });

  test('of several dimensions are all combinations, the range by time', () => {
    const both: Partitions = { kind: 'multi', dimensions: { day: daily('2026-01-01'), region: regions } };
    expect(keysInRange(both, { from: '2026-01-05', to: '2026-01-06' }, at('2026-11-01T00:00Z'))).toEqual([
      ...['2026-01-05|eu', '2026-01-05|a%7Cb', '2026-01-06|eu', '2026-01-06|a%7Cb'],
    ]);
  });

  test('of values are all of them, and have no range', () => {
    expect(keysInRange(regions, {}, 0)).toEqual(['eu', 'a%7Cb']);
    expect(() => keysInRange(regions, { from: 'eu' }, 0)).toThrow('a range needs partitions with one division by time');
  });

  test('refuse an end that is no key', () => {
    expect(() => keysInRange(daily('2026-01-01'), { from: '2026-02-30' }, 0)).toThrow('"2026-02-30" is not a day');
  });

  test('follow each other without a gap, in every zone and grain', () => {
    const starts: Readonly<Record<TimeGrain, string>> = {
      ...{ hourly: '2026-03-01T12', daily: '2026-03-01', weekly: '2026-03-02', monthly: '2026-03' },
    };
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom('hourly', 'daily', 'weekly', 'monthly'),
        (timezone, kind) => {
          const partitions = { kind, start: starts[kind], timezone, output: 'at' };
          const spans = keysInRange(partitions, {}, at('2026-11-30T00:00Z')).map((key) =>
            timeInstants(partitions, key),
          );
          expect(spans.length).toBeGreaterThan(8);
          for (const [i, span] of spans.slice(1).entries()) expect(span.fromUs).toBe(spans[i]?.toUs);
        },
      ),
      { numRuns: 20 },
    );
  });
});
