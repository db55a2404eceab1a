import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  gridFloor,
  gridRange,
  keyAt,
  keyOnGrid,
  onClock,
  type TimeGrain,
  type TimePartitions,
  timeInstants,
  timeRange,
} from '../../../workflows/model/asset/time-partition.ts';
import { CHANGES, clockShows, instantsUs, ZONES } from '../../support/clock-oracle.ts';

const STARTS = { hourly: '2020-01-01T00', daily: '2020-01-01', weekly: '2020-01-06', monthly: '2020-01' } as const;
const GRAINS = ['hourly', 'daily', 'weekly', 'monthly'] as const;
const by = (kind: TimeGrain, timezone = 'UTC'): TimePartitions => ({
  ...{ kind, start: STARTS[kind], timezone, output: 'at' },
});
const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n;
const hoursOf = (partitions: TimePartitions, key: string) => {
  const { fromUs, toUs } = timeInstants(partitions, key);
  return Number(toUs - fromUs) / 3_600_000_000;
};

describe('a partition is the instants', () => {
  test.each<[TimeGrain, string, string, string]>([
    ['daily', '2026-11-27', '2026-11-27T00:00Z', '2026-11-28T00:00Z'],
    ['daily', '2024-02-29', '2024-02-29T00:00Z', '2024-03-01T00:00Z'],
    ['daily', '0001-01-01', '0001-01-01T00:00Z', '0001-01-02T00:00Z'],
    ['daily', '9999-12-31', '9999-12-31T00:00Z', '+010000-01-01T00:00Z'],
    ['daily', '12000-01-01', '+012000-01-01T00:00Z', '+012000-01-02T00:00Z'],
    ['daily', '275760-09-12', '+275760-09-12T00:00Z', '+275760-09-13T00:00Z'],
    ['hourly', '2026-11-27T23', '2026-11-27T23:00Z', '2026-11-28T00:00Z'],
    ['weekly', '2026-12-28', '2026-12-28T00:00Z', '2027-01-04T00:00Z'],
    ['monthly', '2026-12', '2026-12-01T00:00Z', '2027-01-01T00:00Z'],
    ['monthly', '0033-02', '0033-02-01T00:00Z', '0033-03-01T00:00Z'],
  ])('%s %s: from its first to the next', (kind, key, from, to) => {
    expect(timeInstants(by(kind), key)).toEqual({ fromUs: micros(from), toUs: micros(to) });
  });

  test.each(CHANGES)('of a day of $hours hours: $day in $zone', ({ zone, day, hours }) => {
    expect(hoursOf(by('daily', zone), day)).toBe(hours);
    const week = keyOnGrid('weekly', gridFloor('weekly', Date.parse(day)));
    expect(hoursOf(by('weekly', zone), week)).toBe(144 + hours);
  });

  test.each([
    ['Europe/Berlin', '2026-10-25T02+02:00', '2026-10-25T00:00Z', 1],
    ['Europe/Berlin', '2026-10-25T02+01:00', '2026-10-25T01:00Z', 1],
    ['Europe/Berlin', '2026-03-29T03', '2026-03-29T01:00Z', 1],
    ['America/New_York', '2026-11-01T01-04:00', '2026-11-01T05:00Z', 1],
    ['America/New_York', '2026-11-01T01-05:00', '2026-11-01T06:00Z', 1],
    ['Australia/Lord_Howe', '2026-04-05T01+11:00', '2026-04-04T14:00Z', 1],
    ['Australia/Lord_Howe', '2026-04-05T01+10:30', '2026-04-04T15:00Z', 0.5],
    ['Australia/Lord_Howe', '2026-10-04T02', '2026-10-03T15:30Z', 0.5],
  ])('of an hour near a change: %s %s', (zone, key, from, hours) => {
    expect(timeInstants(by('hourly', zone), key).fromUs).toBe(micros(from));
    expect(hoursOf(by('hourly', zone), key)).toBe(hours);
  });

  test('of a day that begins twice from the first time on', () => {
    // In St. John's the clock of 2006-10-29 was set back at 00:01, to 23:01 of the day before.
    const stJohns = by('daily', 'America/St_Johns');
    expect(timeInstants(stJohns, '2006-10-29').fromUs).toBe(micros('2006-10-29T02:30Z'));
    expect(hoursOf(stJohns, '2006-10-29')).toBe(25);
  });
});

describe.each(ZONES)('in %s', (zone) => {
  test('every instant lies in the one partition that the clock shows', () => {
    fc.assert(
      fc.property(instantsUs(zone), fc.constantFrom(...GRAINS), (us, kind) => {
        const { day, hour, offset } = clockShows(zone, Number(us / 1000n));
        const floor = keyOnGrid(kind, gridFloor(kind, Date.parse(`${day}T${hour}:00:00Z`)));
        const holding = [floor, `${floor}${offset}`].filter((key) => holds(by(kind, zone), key, us));
        expect(holding).toHaveLength(1);
        const isCovered = us >= timeRange(by(kind, zone)).fromUs;
        expect(keyAt(by(kind, zone), Number(us / 1000n))).toBe(isCovered ? holding[0] : null);
      }),
      { numRuns: 400 },
    );
  });

  test('partitions abut, and their keys lead back to them', () => {
    const days = fc.constantFrom('daily', 'weekly', 'monthly' as const);
    fc.assert(
      fc.property(instantsUs(zone), days, (us, kind) => {
        const clock = gridFloor(kind, Number(us / 1000n));
        const key = keyOnGrid(kind, clock);
        const { fromMs, toMs } = onClock(by(kind, zone), key);
        const next = keyOnGrid(kind, toMs);
        expect(fromMs).toBe(clock);
        expect(gridFloor(kind, toMs - 1)).toBe(clock);
        expect(timeInstants(by(kind, zone), key).toUs).toBe(timeInstants(by(kind, zone), next).fromUs);
      }),
      { numRuns: 200 },
    );
  });
});

function holds(partitions: TimePartitions, key: string, us: bigint): boolean {
  try {
    const { fromUs, toUs } = timeInstants(partitions, key);
    return fromUs <= us && us < toUs;
  } catch {
    return false;
  }
}

test('a partitioning reaches from its start to its end, or to the end of the calendar', () => {
  expect(timeRange({ ...by('daily', 'Europe/Berlin'), end: '2026-07-01' })).toEqual({
    ...{ fromUs: micros('2019-12-31T23:00Z'), toUs: micros('2026-06-30T22:00Z') },
  });
  expect(gridRange(by('daily')).toMs).toBe(Date.parse('+275760-09-13T00:00Z'));
  expect(timeRange(by('monthly')).toUs).toBe(micros('+275760-09-01T00:00Z'));
});

describe('no partition is named', () => {
  test.each<[TimeGrain, string, string?]>([
    ['daily', ''],
    ['daily', 'eu'],
    ['daily', '2026-13-01'],
    ['daily', '2026-02-30'],
    ['daily', '2026-11'],
    ['daily', '-0044-03-15'],
    ['daily', '2026-11-27T14'],
    ['daily', '275760-09-14'],
    ['daily', '02026-11-27'],
    ['weekly', '2026-11-27'],
    ['monthly', '2026-11-01'],
    ['hourly', '2026-11-27'],
    ['hourly', '2026-11-27T24'],
    ['hourly', '2026-11-27T14+01:00', 'Europe/Berlin'],
    ['hourly', '2026-10-25T02', 'Europe/Berlin'],
    ['hourly', '2026-10-25T02+03:00', 'Europe/Berlin'],
    ['hourly', '2026-03-29T02', 'Europe/Berlin'],
  ])('%s %s', (kind, key, zone) => {
    expect(() => timeInstants(by(kind, zone), key)).toThrow(expect.objectContaining({ code: 'ASSET_INVALID' }));
  });
});
