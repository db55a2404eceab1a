import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endedPartitions, hasEnds } from '../../../workflows/model/asset/ended-partition.ts';
import { timeInstants } from '../../../workflows/model/asset/time-partition.ts';
import { daily, hourly, monthly, multiPartitions, staticPartitions, weekly } from '../../../workflows/model/define.ts';
import { CHANGES, clockShows, ZONES } from '../../support/clock-oracle.ts';

const HOUR_MS = 3_600_000;
const span = (from: string, to: string) => ({ fromMs: Date.parse(from), toMs: Date.parse(to) });
const DAILY = daily({ start: '2026-01-01', output: 'day' });
const REGION = staticPartitions(['eu', 'a|b'], { output: 'region' });

describe('of a span end', () => {
  test('the partitions whose end lies in it, its own end included', () => {
    expect(endedPartitions(DAILY, span('2026-11-26T07:00Z', '2026-11-28T07:00Z'))).toEqual([
      '2026-11-26',
      '2026-11-27',
    ]);
    expect(endedPartitions(DAILY, span('2026-11-26T00:00Z', '2026-11-27T00:00Z'))).toEqual(['2026-11-26']);
    expect(endedPartitions(DAILY, span('2026-11-27T07:00Z', '2026-11-27T08:00Z'))).toEqual([]);
    const months = monthly({ start: '2025-01', output: 'm' });
    expect(endedPartitions(months, span('2026-02-01T00:00Z', '2026-03-01T00:00Z'))).toEqual(['2026-02']);
    const weeks = weekly({ start: '2026-01-05', output: 'w' });
    expect(endedPartitions(weeks, span('2026-11-22T00:00Z', '2026-11-23T00:00Z'))).toEqual(['2026-11-16']);
  });

  test('those from the first partition on, and none behind the last', () => {
    expect(endedPartitions(DAILY, span('1970-01-01T00:00Z', '2026-01-03T00:00Z'))).toEqual([
      '2026-01-01',
      '2026-01-02',
    ]);
    const short = daily({ start: '2026-01-01', end: '2026-01-02', output: 'day' });
    expect(endedPartitions(short, span('2026-01-01T12:00Z', '2026-02-01T00:00Z'))).toEqual(['2026-01-01']);
  });

  test('both of an hour that occurs twice, none that is skipped, and no day that was left out', () => {
    const hours = hourly({ start: '2020-01-01T00', output: 'hour', timezone: 'Europe/Berlin' });
    const autumn = endedPartitions(hours, span('2026-10-25T00:00Z', '2026-10-25T03:00Z'));
    expect(autumn).toEqual(['2026-10-25T02+02:00', '2026-10-25T02+01:00', '2026-10-25T03']);
    const spring = endedPartitions(hours, span('2026-03-29T00:00Z', '2026-03-29T02:00Z'));
    expect(spring).toEqual(['2026-03-29T01', '2026-03-29T03']);
    const samoa = daily({ start: '2011-01-01', output: 'day', timezone: 'Pacific/Apia' });
    const days = endedPartitions(samoa, span('2011-12-29T12:00Z', '2012-01-01T12:00Z'));
    expect(days).toEqual(['2011-12-29', '2011-12-31', '2012-01-01']);
  });

  test('those of every other dimension with it, and all where none is by time', () => {
    const both = multiPartitions({ region: REGION, day: DAILY });
    expect(endedPartitions(both, span('2026-11-26T07:00Z', '2026-11-27T07:00Z'))).toEqual([
      ...['eu|2026-11-26', 'a%7Cb|2026-11-26'],
    ]);
    expect(endedPartitions(both, span('2026-11-27T07:00Z', '2026-11-27T08:00Z'))).toEqual([]);
    expect(endedPartitions(REGION, span('2026-11-27T07:00Z', '2026-11-27T08:00Z'))).toEqual(['eu', 'a%7Cb']);
  });

  test('nothing that could be named, of combinations of two times', () => {
    const twoTimes = multiPartitions({ day: DAILY, hour: hourly({ start: '2026-01-01T00', output: 'hour' }) });
    expect([twoTimes, multiPartitions({ day: DAILY, region: REGION }), REGION, DAILY].map(hasEnds)).toEqual([
      ...[false, true, true, true],
    ]);
  });
});

test.each(ZONES)('in %s spans that abut name each partition once, however they are cut', (timezone) => {
  const hours = hourly({ start: '2020-01-01T00', output: 'hour', timezone });
  // The clock begins another hour, or gets another offset, at half hours of UTC only.
  const clocks = CHANGES.filter(({ zone }) => zone === timezone).map(({ day }) => {
    const fromMs = Date.parse(day) - 12 * HOUR_MS;
    const ends = Array.from({ length: 96 }, (_, i) => fromMs + (i + 1) * (HOUR_MS / 2)).filter((ms) => {
      const [before, now] = [clockShows(timezone, ms - 1), clockShows(timezone, ms)];
      return before.hour !== now.hour || before.offset !== now.offset;
    });
    return { fromMs, ends };
  });
  const minutes = fc.array(fc.integer({ min: 1, max: 48 * 60 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...clocks), minutes, ({ fromMs, ends }, at) => {
      const cuts = [...new Set([0, ...at])].sort((a, b) => a - b).map((minute) => fromMs + minute * 60_000);
      const pieces = cuts.slice(1).flatMap((toMs, i) => endedPartitions(hours, { fromMs: cuts[i] ?? 0, toMs }));
      const toMs = cuts.at(-1) ?? fromMs;
      expect(pieces).toEqual(endedPartitions(hours, { fromMs, toMs }));
      expect(pieces.map((key) => Number(timeInstants(hours, key).toUs / 1000n))).toEqual(
        ends.filter((ms) => ms <= toMs),
      );
    }),
    { numRuns: 50 },
  );
});
