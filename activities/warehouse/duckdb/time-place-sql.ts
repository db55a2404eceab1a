// To which hour, day, week or month a value belongs, in SQL: by the instant, by what a clock shows, or by the calendar.

import { type ClockPiece, clockOfInstants, clockOfLocal } from '../../../workflows/model/asset/clock.ts';
import {
  gridRange,
  keyOnGrid,
  type TimeGrain,
  type TimePartitions,
  timeRange,
  zoneOf,
} from '../../../workflows/model/asset/time-partition.ts';
import { firstClockFrom, offsetSpans } from '../../../workflows/model/asset/time-zone.ts';
import { clockSql, piecesWithin, suffixSql } from './clock-sql.ts';
import { literal } from './identifier.ts';

export const UNITS = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month' } as const;

/** See `placeSql`. */
export function placeOfTimeSql(partitions: TimePartitions, column: string, zone: string): string {
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

/** The first time on a zone's clock whose instant is not before this one. */
export function localMicros(zone: string, us: bigint): bigint {
  return BigInt(firstClockFrom(offsetSpans(zone), Number(us / 1000n))) * 1000n;
}

export const clockLiteral = (clockMs: number) => `make_timestamp(${BigInt(clockMs) * 1000n})`;

export const dayLiteral = (clockMs: number) => `DATE ${literal(keyOnGrid('daily', clockMs))}`;

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
