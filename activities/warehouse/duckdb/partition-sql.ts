// To which partition a value belongs, in SQL. A place is a key in the form that compares fast: the first day of a day, week or
// month as DATE, else the key itself. The model defines what keys mean (asset/time-partition.ts) and how clocks run
// (asset/clock.ts): DuckDB's own time zones are never asked. Sessions are in UTC.

import { type ClockPiece, clockOfInstants, clockOfLocal } from '../../../workflows/model/asset/clock.ts';
import type { Touch } from '../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../workflows/model/asset/partition.ts';
import {
  gridRange,
  keyOnGrid,
  onClock,
  type TimeGrain,
  type TimePartitions,
  timeInstants,
  timeRange,
  zoneOf,
} from '../../../workflows/model/asset/time-partition.ts';
import { firstClockFrom, offsetSpans } from '../../../workflows/model/asset/time-zone.ts';
import { clockSql, piecesWithin, suffixSql } from './clock-sql.ts';
import { literal } from './identifier.ts';

const UNITS = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month' } as const;

/** Types that `{start}` and `{end}` can have: that of the column they are compared with. */
export type BoundType = 'DATE' | 'TIMESTAMP' | 'TIMESTAMPTZ';

/** How `{start}` and `{end}` are written; `zone` is where a clock shows what a TIMESTAMP says. */
export interface Bound {
  readonly type: BoundType;
  readonly zone?: string;
}

/** The type of bounds for a column of this type; null when its values have no place in the partitions. */
export function boundTypeOf({ kind }: TimePartitions, columnType: string): BoundType | null {
  if (columnType === 'DATE') return kind === 'hourly' ? null : 'DATE';
  if (columnType === 'TIMESTAMP') return 'TIMESTAMP';
  return columnType === 'TIMESTAMPTZ' || columnType === 'TIMESTAMP WITH TIME ZONE' ? 'TIMESTAMPTZ' : null;
}

/**
 * The place of a date or timestamp; NULL for NULL, ±infinity, and values outside of the partitions. A TIMESTAMP is UTC.
 * @param zone where a clock shows what a TIMESTAMP says
 */
export function placeSql(partitions: TimePartitions, column: string, zone = 'UTC'): string {
  const instant = `${column}::TIMESTAMPTZ`;
  const { fromUs, toUs } = timeRange(partitions);
  const pieces = piecesWithin(clockOfInstants(partitions), Number(fromUs / 1000n), Number(toUs / 1000n));
  const cases = [
    `when typeof(${column}) = 'DATE' then ${placeOfDate(partitions, column)}`,
    ...(zone === 'UTC' ? [] : [`when typeof(${column}) = 'TIMESTAMP' then ${placeOfLocal(partitions, column, zone)}`]),
    `when ${instant} >= make_timestamptz(${fromUs}) and ${instant} < make_timestamptz(${toUs})
     then ${onGrid(partitions.kind, pieces, `epoch_us(${instant})`)}`,
  ];
  return `case when isfinite(${column}) then case ${cases.join('\n')} end end`;
}

/** The key of a placed value. */
export function keySql({ kind }: TimePartitions, place: string): string {
  if (kind === 'hourly') return place;
  const day = `(${place})::VARCHAR`;
  return kind === 'monthly' ? `left(${day}, -3)` : day;
}

/** The place of a key, which is an expression of type VARCHAR. */
export function placeOfKeySql({ kind }: TimePartitions, key: string): string {
  if (kind === 'hourly') return key;
  return kind === 'monthly' ? `(${key} || '-01')::DATE` : `(${key})::DATE`;
}

/** The keys of `to` that a partition of `from` is read by, as a list; `key` is an expression of type VARCHAR. */
export function mappedKeysSql({ to }: Extract<Touch, { tag: 'mapped' }>, key: string): string {
  const { fromMs, toMs } = gridRange(to);
  const clock = clockOfKeySql(to, key);
  return `case when ${clock} >= ${clockLiteral(fromMs)} and ${clock} < ${clockLiteral(toMs)} then [${key}] else [] end`;
}

/** What the clock shows when a partition begins, TIMESTAMP. */
function clockOfKeySql(partitions: TimePartitions, key: string): string {
  if (partitions.kind !== 'hourly') return `(${placeOfKeySql(partitions, key)})::TIMESTAMP`;
  return `(split_part(${key}, 'T', 1)::DATE + to_hours(left(split_part(${key}, 'T', 2), 2)::INT))`;
}

/** What `{start}` or `{end}` stands for, as a value of the column's type. */
export function boundSql(
  partitions: TimePartitions,
  key: PartitionKey,
  bound: 'start' | 'end',
  { type, zone = 'UTC' }: Bound,
): string {
  const { fromUs, toUs } = timeInstants(partitions, key);
  const us = bound === 'start' ? fromUs : toUs;
  if (type === 'TIMESTAMPTZ') return `make_timestamptz(${us})`;
  if (type === 'TIMESTAMP') return `make_timestamp(${localMicros(zone, us)})`;
  const { fromMs, toMs } = onClock(partitions, key);
  return dayLiteral(bound === 'start' ? fromMs : toMs);
}

function placeOfDate(partitions: TimePartitions, column: string): string {
  const { kind } = partitions;
  if (kind === 'hourly') return 'null';
  const { fromMs, toMs } = gridRange(partitions);
  const day = `${column}::DATE`;
  return `case when ${day} >= ${dayLiteral(fromMs)} and ${day} < ${dayLiteral(toMs)} then ${floorSql(kind, day)} end`;
}

/** The zone's own days begin and end as its clock says, so they need no instants. */
function placeOfLocal(partitions: TimePartitions, column: string, zone: string): string {
  const { fromUs, toUs } = timeRange(partitions);
  const [from, to] = [localMicros(zone, fromUs), localMicros(zone, toUs)];
  const time = `${column}::TIMESTAMP`;
  const within = `${time} >= make_timestamp(${from}) and ${time} < make_timestamp(${to})`;
  const own = zone === zoneOf(partitions) && partitions.kind !== 'hourly';
  const pieces = piecesWithin(clockOfLocal(partitions, zone), Number(from / 1000n), Number(to / 1000n));
  const place = own ? floorSql(partitions.kind, time) : onGrid(partitions.kind, pieces, `epoch_us(${time})`);
  return `case when ${within} then ${place} end`;
}

function onGrid(kind: TimeGrain, pieces: readonly ClockPiece[], us: string): string {
  const clock = clockSql(pieces, us);
  return kind === 'hourly' ? `strftime(${clock}, '%Y-%m-%dT%H') || ${suffixSql(pieces, us)}` : floorSql(kind, clock);
}

const floorSql = (kind: TimeGrain, time: string) =>
  kind === 'daily' ? `(${time})::DATE` : `date_trunc('${UNITS[kind]}', ${time})::DATE`;

/** The first time on a zone's clock whose instant is not before this one. */
function localMicros(zone: string, us: bigint): bigint {
  return BigInt(firstClockFrom(offsetSpans(zone), Number(us / 1000n))) * 1000n;
}

const clockLiteral = (clockMs: number) => `make_timestamp(${BigInt(clockMs) * 1000n})`;

const dayLiteral = (clockMs: number) => `DATE ${literal(keyOnGrid('daily', clockMs))}`;
