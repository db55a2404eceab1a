// What clocks show, asked of the runtime for one instant at a time: nothing of walflow's own arithmetic.

import fc from 'fast-check';

/** One east of UTC, one west of it, and one whose clock moves by half an hour. */
export const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'] as const;

/** The days of 2026 on which their clocks change, and how long these are. */
export const CHANGES = [
  { zone: 'Europe/Berlin', day: '2026-03-29', hours: 23 },
  { zone: 'Europe/Berlin', day: '2026-10-25', hours: 25 },
  { zone: 'America/New_York', day: '2026-03-08', hours: 23 },
  { zone: 'America/New_York', day: '2026-11-01', hours: 25 },
  { zone: 'Australia/Lord_Howe', day: '2026-04-05', hours: 24.5 },
  { zone: 'Australia/Lord_Howe', day: '2026-10-04', hours: 23.5 },
] as const;

/** `2026-10-25`, `02`, `+02:00`. */
export function clockShows(zone: string, ms: number): { day: string; hour: string; offset: string } {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', hourCycle: 'h23' },
    timeZoneName: 'longOffset',
  });
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const offset = (parts.get('timeZoneName') ?? '').replace('GMT', '');
  return {
    day: `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`,
    hour: parts.get('hour') ?? '',
    offset: offset === '' ? '+00:00' : offset,
  };
}

/** Instants of 2020 to 2040 to the microsecond, most of them within two days of a change of the zone's clock. */
export function instantsUs(zone: string): fc.Arbitrary<bigint> {
  const day = 86_400_000_000n;
  const changes = CHANGES.filter((change) => change.zone === zone).map(
    (change) => BigInt(Date.parse(change.day)) * 1000n,
  );
  const near = fc.tuple(fc.constantFrom(...changes), fc.bigInt(-2n * day, 2n * day)).map(([at, by]) => at + by);
  const any = fc.bigInt(BigInt(Date.UTC(2020, 0, 10)) * 1000n, BigInt(Date.UTC(2040, 0)) * 1000n);
  const edge = near.map((us) => us - (us % 1_800_000_000n));
  return fc.oneof(near, edge, any);
}
