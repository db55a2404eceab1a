import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cronFault, skippedTimes, workOfTick } from '../../activities/assets/nominal-time.ts';
import { endedPartitions } from '../../workflows/model/asset/ended-partition.ts';
import { daily, hourly } from '../../workflows/model/define.ts';
import { CHANGES, clockShows, ZONES } from '../support/clock-oracle.ts';

const DAY_MS = 86_400_000;
const BERLIN_AT_HALF_PAST_TWO = { cron: '30 2 * * *', timezone: 'Europe/Berlin' };
const SEVEN = { cron: '0 7 * * *', timezone: 'UTC' };

/** A tick on time, or with what its worker's late start was. */
function work(clock: { cron: string; timezone: string }, nominal: string, handled: string | null, now = nominal) {
  const tick = { ...clock, nominalMs: Date.parse(nominal), nowMs: Date.parse(now) };
  const found = workOfTick(tick, handled === null ? null : Date.parse(handled));
  if (found === null) return null;
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString().replace(':00.000Z', 'Z'));
  return { from: iso(found.span.fromMs), to: iso(found.span.toMs), handled: iso(found.handledMs) };
}

describe('a tick handles what has passed since the last handled one', () => {
  test('on time, and after ticks that never came', () => {
    const now = { to: '2026-11-28T07:00Z', handled: '2026-11-28T07:00Z' };
    expect(work(SEVEN, '2026-11-28T07:00Z', '2026-11-27T07:00Z')).toEqual({ from: '2026-11-27T07:00Z', ...now });
    expect(work(SEVEN, '2026-11-28T07:00Z', '2026-11-20T07:00Z')).toEqual({ from: '2026-11-20T07:00Z', ...now });
  });

  test('the very first one since the time before it', () => {
    expect(work(SEVEN, '2026-11-28T07:00Z', null)).toEqual({
      ...{ from: '2026-11-27T07:00Z', to: '2026-11-28T07:00Z', handled: '2026-11-28T07:00Z' },
    });
  });

  test('nothing when it comes again, or after a later one', () => {
    expect(work(SEVEN, '2026-11-28T07:00Z', '2026-11-28T07:00Z')).toBeNull();
    expect(work(SEVEN, '2026-11-27T07:00Z', '2026-11-28T07:00Z')).toBeNull();
  });

  test('a late one takes along those that are due by now', () => {
    expect(
      work({ cron: '0 * * * *', timezone: 'UTC' }, '2026-11-28T08:00Z', '2026-11-28T07:00Z', '2026-11-28T10:12Z'),
    ).toEqual({
      ...{ from: '2026-11-28T07:00Z', to: '2026-11-28T10:00Z', handled: '2026-11-28T10:00Z' },
    });
  });

  test('of a time that the clock shows twice the second is no other tick', () => {
    expect(work(BERLIN_AT_HALF_PAST_TWO, '2026-10-25T00:30Z', '2026-10-24T00:30Z')).toMatchObject({
      handled: '2026-10-25T00:30Z',
    });
    expect(work(BERLIN_AT_HALF_PAST_TWO, '2026-10-25T01:30Z', '2026-10-25T00:30Z')).toBeNull();
    expect(
      work(BERLIN_AT_HALF_PAST_TWO, '2026-10-25T01:30Z', '2026-10-24T00:30Z'),
      'the first was missed',
    ).toMatchObject({ handled: '2026-10-25T00:30Z' });
    const twiceADay = { cron: '30 2,14 * * *', timezone: 'Europe/Berlin' };
    expect(work(twiceADay, '2026-10-25T01:30Z', '2026-10-25T00:30Z'), 'several fixed hours').toBeNull();
    const hourlyCron = { cron: '30 * * * *', timezone: 'Europe/Berlin' };
    expect(work(hourlyCron, '2026-10-25T01:30Z', '2026-10-25T00:30Z'), 'every hour').toMatchObject({
      handled: '2026-10-25T01:30Z',
    });
  });

  test('the day after a time that the clock skipped makes up for it', () => {
    expect(work(BERLIN_AT_HALF_PAST_TWO, '2026-03-30T00:30Z', '2026-03-28T01:30Z')).toEqual({
      ...{ from: '2026-03-28T01:30Z', to: '2026-03-30T00:30Z', handled: '2026-03-30T00:30Z' },
    });
  });

  test('one that somebody triggers does the last one again and what has ended since, and leaves the next one its work', () => {
    const at = '2026-11-28T10:00:05.000Z';
    expect(work(SEVEN, at, '2026-11-28T07:00Z')).toEqual({ from: '2026-11-27T07:00Z', to: at, handled: null });
    expect(work(SEVEN, at, '2026-11-20T07:00Z')).toEqual({ from: '2026-11-20T07:00Z', to: at, handled: null });
    expect(work(SEVEN, at, null)).toEqual({ from: '2026-11-27T07:00Z', to: at, handled: null });
  });
});

const QUARTER_MS = 900_000;

/** What the clock shows at every quarter of an hour, some days around a change. */
function quarters(timezone: string, changeMs: number) {
  return Array.from({ length: 5 * 96 + 1 }, (_, i) => {
    const ms = changeMs - 2 * DAY_MS + i * QUARTER_MS;
    const { hour, offset } = clockShows(timezone, ms);
    return { ms, hour: Number(hour), minute: new Date(ms + offsetMs(offset)).getUTCMinutes() };
  });
}

function offsetMs(offset: string): number {
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(offset) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

test.each(ZONES)(
  'in %s no partition is lost or done twice, whatever becomes of the ticks before the last',
  (timezone) => {
    const divisions = [
      hourly({ start: '2020-01-01T00', output: 'h', timezone }),
      daily({ start: '2020-01-01', output: 'd', timezone }),
    ];
    const clocks = CHANGES.filter(({ zone }) => zone === timezone).map(({ day }) =>
      quarters(timezone, Date.parse(day)),
    );
    const fate = fc.constantFrom('on time', 'on time', 'lost', 'late', 'repeated' as const);
    const times = fc.record({ hour: fc.constantFrom(null, 0, 1, 2, 3), minute: fc.constantFrom(0, 15, 30) });
    fc.assert(
      fc.property(
        times,
        fc.constantFrom(...clocks),
        fc.infiniteStream(fate),
        fc.nat({ max: 5 }),
        ({ hour, minute }, shown, fates, lateBy) => {
          const clock = { cron: `${minute} ${hour ?? '*'} * * *`, timezone };
          // Temporal fires whenever the clock shows the time: a gap has none, a fold repeats it.
          const ticks = shown.flatMap((at) =>
            at.minute === minute && (hour === null || at.hour === hour) ? [at.ms] : [],
          );
          const [beginsMs = 0, ...rest] = ticks;
          let handledMs = beginsMs;
          const done: (readonly string[])[] = divisions.map(() => []);
          const fire = (nominalMs: number, nowMs: number) => {
            const found = workOfTick({ ...clock, nominalMs, nowMs }, handledMs);
            if (found === null) return;
            expect(found.handledMs, 'it only grows').toBeGreaterThan(handledMs);
            for (const [i, division] of divisions.entries())
              done[i] = [...(done[i] ?? []), ...endedPartitions(division, found.span)];
            handledMs = found.handledMs ?? handledMs;
          };
          for (const [i, nominalMs] of rest.entries()) {
            const what = i === rest.length - 1 ? 'on time' : fates.next().value;
            if (what === 'lost') continue;
            fire(nominalMs, what === 'late' ? Math.min(nominalMs + lateBy * 3_600_000, rest.at(-1) ?? 0) : nominalMs);
            if (what === 'repeated') fire(nominalMs, nominalMs);
          }
          const all = { fromMs: beginsMs, toMs: handledMs };
          expect(done).toEqual(divisions.map((division) => endedPartitions(division, all)));
          expect(handledMs, 'all of it').toBeGreaterThan((rest.at(-1) ?? 0) - 2 * 3_600_000);
        },
      ),
      { numRuns: 25 },
    );
  },
);

test('times that a clock will skip are named, but not those of a cron for every hour', () => {
  const year = { fromMs: Date.parse('2026-11-28'), toMs: Date.parse('2027-11-28') };
  expect(skippedTimes(BERLIN_AT_HALF_PAST_TWO, year)).toEqual(['2027-03-28 02:30']);
  expect(skippedTimes({ cron: '*/30 2,14 * * *', timezone: 'America/New_York' }, year)).toEqual([
    '2027-03-14 02:00',
    '2027-03-14 02:30',
  ]);
  expect(skippedTimes({ cron: '15 2 * * *', timezone: 'Australia/Lord_Howe' }, year)).toEqual(['2027-10-03 02:15']);
  expect(skippedTimes({ cron: '30 2 * * MON', timezone: 'Europe/Berlin' }, year)).toEqual([]);
  expect(skippedTimes({ cron: '30 * * * *', timezone: 'Europe/Berlin' }, year)).toEqual([]);
  expect(skippedTimes({ cron: '30 3 * * *', timezone: 'Europe/Berlin' }, year)).toEqual([]);
});

test('a cron is what Temporal and this reader understand alike', () => {
  const now = Date.parse('2026-11-28');
  const fine = ['0 7 * * *', '*/15 1,3-5 * jan-MAR *', '0 0 * * 7', '0 0 29 2 *', '*/5,7 * * * MON-FRI'];
  expect(fine.map((cron) => cronFault(cron, now))).toEqual(fine.map(() => null));
  const wrong = [
    '',
    '@daily',
    '0 7 * *',
    '0 0 7 * * *',
    '0 7 L * *',
    '0 7 * * 1#2',
    '0 7 ? * *',
    '5/15 * * * *',
    '60 * * * *',
    '0 24 * * *',
    '*/0 * * * *',
    '0 0 31 2 *',
    '0 7 * * FOO',
    '0 0 * * 5-1',
  ];
  expect(wrong.filter((cron) => cronFault(cron, now) === null)).toEqual([]);
});
