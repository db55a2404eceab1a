// Partitions by time: an hour, day, week or month of a zone's clock. A partition is named by the time at which the clock begins
// it, and covers the instants [from, to). Milliseconds here: every bound is a whole second.

import { WalflowError } from '../errors.ts';
import type { Instants, PartitionKey } from './partition.ts';
import { firstInstantAt, type OffsetSpan, offsetSpans } from './time-zone.ts';

export type TimeGrain = 'hourly' | 'daily' | 'weekly' | 'monthly';

export interface TimePartitions {
  readonly kind: TimeGrain;
  /** Key of the first partition. */
  readonly start: PartitionKey;
  /** Key of the first partition that does not belong to it any more. */
  readonly end?: PartitionKey;
  /** Default UTC. */
  readonly timezone?: string;
  /** Column of the result that holds the time. */
  readonly output: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** 1970-01-05, a Monday. */
const MONDAY_MS = 4 * DAY_MS;
/** The last instant of the calendar: https://tc39.es/ecma262/#sec-time-values-and-time-range */
const END_OF_TIME_MS = 8_640_000_000_000_000;

/** What a key of each kind looks like, in words. */
export const KEY_FORMS: Readonly<Record<TimeGrain, string>> = {
  hourly: 'an hour like 2026-01-31T09',
  daily: 'a day like 2026-01-31',
  weekly: 'the Monday of a week, like 2026-01-26',
  monthly: 'a month like 2026-01',
};
const KEY = /^(\d{4,6})-(\d\d)(?:-(\d\d)(?:T(\d\d)([+-]\d\d:\d\d(?::\d\d)?)?)?)?$/;

export const zoneOf = ({ timezone = 'UTC' }: TimePartitions) => timezone;

/** Do their partitions begin and end together, as far as both have them? */
export function isSameGrid(one: TimePartitions, other: TimePartitions): boolean {
  return one.kind === other.kind && zoneOf(one) === zoneOf(other);
}

/** The time at which the partition with this time on its clock begins. */
export function gridFloor(kind: TimeGrain, clockMs: number): number {
  if (kind === 'hourly') return Math.floor(clockMs / HOUR_MS) * HOUR_MS;
  if (kind === 'daily') return Math.floor(clockMs / DAY_MS) * DAY_MS;
  if (kind === 'weekly') return Math.floor((clockMs - MONDAY_MS) / WEEK_MS) * WEEK_MS + MONDAY_MS;
  const date = new Date(gridFloor('daily', clockMs));
  return date.setUTCDate(1);
}

/** The time at which the clock begins the next partition. */
export function nextOnGrid(kind: TimeGrain, clockMs: number): number {
  if (kind !== 'monthly') return clockMs + { hourly: HOUR_MS, daily: DAY_MS, weekly: WEEK_MS }[kind];
  return new Date(clockMs).setUTCMonth(new Date(clockMs).getUTCMonth() + 1);
}

/** The key of a time on the grid; years beyond 9999 have more digits. */
export function keyOnGrid(kind: TimeGrain, clockMs: number): PartitionKey {
  const [, month = '', day, hour] = /^\+?0*(\d{4,}-\d\d)-(\d\d)T(\d\d)/.exec(isoOf(clockMs)) ?? [];
  if (kind === 'monthly') return month;
  return kind === 'hourly' ? `${month}-${day}T${hour}` : `${month}-${day}`;
}

/** `+012026-…` of a year with five digits, `000033` of one with two: at least four digits stay. */
const isoOf = (clockMs: number) => new Date(clockMs).toISOString().replace(/^\+0?0?(?=\d{4})/, '');

/** The times on the clock that a partitioning covers, [from, to). */
export function gridRange(partitions: TimePartitions): { readonly fromMs: number; readonly toMs: number } {
  const { kind, start, end } = partitions;
  return {
    fromMs: parsedKey(kind, start).clockMs,
    toMs: end === undefined ? gridFloor(kind, END_OF_TIME_MS) : parsedKey(kind, end).clockMs,
  };
}

/**
 * What the clock shows of a partition, [from, to).
 * @throws WalflowError ASSET_INVALID
 */
export function onClock(
  { kind }: TimePartitions,
  key: PartitionKey,
): { readonly fromMs: number; readonly toMs: number } {
  const { clockMs } = parsedKey(kind, key);
  return { fromMs: clockMs, toMs: nextOnGrid(kind, clockMs) };
}

/** The instants that a partitioning covers. */
export function timeRange(partitions: TimePartitions): Instants {
  const { start, end } = partitions;
  const { fromUs } = timeInstants(partitions, start);
  if (end !== undefined) return { fromUs, toUs: timeInstants(partitions, end).fromUs };
  const lastMs = firstInstantAt(offsetSpans(zoneOf(partitions)), gridRange(partitions).toMs);
  return { fromUs, toUs: BigInt(lastMs) * 1000n };
}

/**
 * The instants of a partition.
 * @throws WalflowError ASSET_INVALID when the key is not one of these partitions' keys.
 */
export function timeInstants(partitions: TimePartitions, key: PartitionKey): Instants {
  const { kind } = partitions;
  const { clockMs, offset } = parsedKey(kind, key);
  const spans = offsetSpans(zoneOf(partitions));
  if (kind !== 'hourly') {
    const [fromMs, toMs] = [clockMs, nextOnGrid(kind, clockMs)].map((ms) => BigInt(firstInstantAt(spans, ms)));
    return { fromUs: (fromMs ?? 0n) * 1000n, toUs: (toMs ?? 0n) * 1000n };
  }
  const hours = hoursAt(spans, clockMs);
  const hour = hours.find((one) => (hours.length > 1 ? one.offset === offset : offset === undefined));
  if (hour === undefined) throw noKey(kind, key);
  return { fromUs: BigInt(hour.fromMs) * 1000n, toUs: BigInt(hour.toMs) * 1000n };
}

/** The key of the partition that covers an instant; null before the first one and after the last. */
export function keyAt(partitions: TimePartitions, instantMs: number): PartitionKey | null {
  const { kind } = partitions;
  const { fromUs, toUs } = timeRange(partitions);
  const instantUs = BigInt(Math.floor(instantMs)) * 1000n;
  if (instantUs < fromUs || instantUs >= toUs) return null;
  const offsetMs = offsetSpans(zoneOf(partitions)).findLast(({ fromMs }) => fromMs <= instantMs)?.offsetMs ?? 0;
  const clockMs = gridFloor(kind, instantMs + offsetMs);
  // A clock that is set back over midnight shows the day before once more.
  const near = [clockMs, nextOnGrid(kind, clockMs)].flatMap((ms) => partitionsAt(partitions, ms));
  return near.findLast(({ fromMs }) => fromMs <= instantMs)?.key ?? null;
}

/** The partitions that begin at this time on the clock: none if it is skipped, two of an hour that occurs twice. */
export function partitionsAt(
  partitions: TimePartitions,
  clockMs: number,
): readonly { readonly key: PartitionKey; readonly fromMs: number }[] {
  const { kind } = partitions;
  const key = keyOnGrid(kind, clockMs);
  const spans = offsetSpans(zoneOf(partitions));
  if (kind === 'hourly') {
    const hours = hoursAt(spans, clockMs);
    return hours.map(({ fromMs, offset }) => ({ key: hours.length > 1 ? `${key}${offset}` : key, fromMs }));
  }
  const fromMs = firstInstantAt(spans, clockMs);
  return fromMs < firstInstantAt(spans, nextOnGrid(kind, clockMs)) ? [{ key, fromMs }] : [];
}

export function isTimeKey(partitions: TimePartitions, key: PartitionKey): boolean {
  try {
    timeInstants(partitions, key);
    return true;
  } catch (failure) {
    if (failure instanceof WalflowError) return false;
    throw failure;
  }
}

/** The key that a date stands for, if it is the first hour or day of one; any other text is left as it is. */
export function keyOfDate(kind: TimeGrain, text: string): PartitionKey {
  if (kind === 'hourly' && /^\d{4,6}-\d\d-\d\d$/.test(text)) return `${text}T00`;
  return kind === 'monthly' ? text.replace(/^(\d{4,6}-\d\d)-01$/, '$1') : text;
}

/** The key that was most likely meant by a date that is none; null if it is no date. */
export function nearestKey({ kind }: TimePartitions, text: string): PartitionKey | null {
  const clockMs = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(clockMs) ? null : keyOnGrid(kind, gridFloor(kind, clockMs));
}

/** Times at which the clock shows an hour, each with the offset that tells it from another one. */
function hoursAt(spans: readonly OffsetSpan[], clockMs: number) {
  return spans.flatMap((span, i) => {
    // No clock is further from UTC: most spans are passed over cheaply.
    if (span.fromMs > clockMs + DAY_MS || (spans[i + 1]?.fromMs ?? Infinity) < clockMs - DAY_MS) return [];
    const fromMs = Math.max(clockMs - span.offsetMs, span.fromMs);
    const toMs = Math.min(clockMs + HOUR_MS - span.offsetMs, spans[i + 1]?.fromMs ?? Infinity);
    return fromMs < toMs ? [{ fromMs, toMs, offset: offsetText(span.offsetMs) }] : [];
  });
}

/** `+02:00`, `-03:30`, `+00:53:28`. */
export function offsetText(offsetMs: number): string {
  const text = new Date(Math.abs(offsetMs)).toISOString().slice(11, 19);
  return `${offsetMs < 0 ? '-' : '+'}${text.endsWith(':00') ? text.slice(0, 5) : text}`;
}

/** Keys of the partitions that end after `fromMs`, up to and with `toMs`, in the order of time. */
export function endingKeys(
  partitions: TimePartitions,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): readonly PartitionKey[] {
  const { kind } = partitions;
  const range = gridRange(partitions);
  const keys: PartitionKey[] = [];
  // A clock differs by less than a day from UTC.
  const first = Math.max(gridFloor(kind, fromMs - DAY_MS), range.fromMs);
  for (let clockMs = first; clockMs < Math.min(toMs + DAY_MS, range.toMs); clockMs = nextOnGrid(kind, clockMs)) {
    for (const { key } of partitionsAt(partitions, clockMs)) {
      const endMs = Number(timeInstants(partitions, key).toUs / 1000n);
      if (fromMs < endMs && endMs <= toMs) keys.push(key);
    }
  }
  return keys;
}

function parsedKey(kind: TimeGrain, key: PartitionKey) {
  const [, year = '', month, day = '01', hour = '00', offset] = KEY.exec(key) ?? [];
  // https://tc39.es/ecma262/#sec-expanded-years
  const clockMs = Date.parse(`+${year.padStart(6, '0')}-${month}-${day}T${hour}:00:00Z`);
  // A date that does not exist can be read as another one.
  if (Number.isNaN(clockMs) || `${keyOnGrid(kind, gridFloor(kind, clockMs))}${offset ?? ''}` !== key)
    throw noKey(kind, key);
  return { clockMs, offset };
}

const noKey = (kind: TimeGrain, key: PartitionKey) =>
  new WalflowError('ASSET_INVALID', `"${key}" is not ${KEY_FORMS[kind]}`);
