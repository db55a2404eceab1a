// To which partition a value belongs, in SQL. A place is a key in the form that compares fast: the first day of a day, week or
// month as DATE, else the key itself. The model defines what keys mean (asset/partitioning.ts, asset/time-partition.ts) and how
// clocks run (asset/clock.ts): DuckDB's own time zones are never asked. Sessions are in UTC.

import type { PartitionKey } from '../../../workflows/model/asset/partition.ts';
import {
  type Dimension,
  dimensionsOf,
  type Partitions,
  type StaticPartitions,
  timeDimension,
} from '../../../workflows/model/asset/partitioning.ts';
import { onClock, type TimePartitions, timeInstants } from '../../../workflows/model/asset/time-partition.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { literal } from './identifier.ts';
import { dayLiteral, localMicros, placeOfTimeSql } from './time-place-sql.ts';

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

/** Have values of this type a place? */
export const isPlaceable = (dimension: Dimension, columnType: string) =>
  dimension.kind === 'static' || boundTypeOf(dimension, columnType) !== null;

/**
 * The place of a row; NULL if a value is NULL, ±infinity, or outside of the partitions. A TIMESTAMP is UTC.
 * @param columns one for each dimension
 * @param zone where a clock shows what a TIMESTAMP says
 */
export function placeSql(partitions: Partitions, columns: readonly string[], zone = 'UTC'): string {
  const places = dimensionsOf(partitions).map((dimension, i): readonly [Dimension, string] => {
    const column = columns[i] ?? 'null';
    return [
      dimension,
      dimension.kind === 'static' ? listedSql(dimension, column) : placeOfTimeSql(dimension, column, zone),
    ];
  });
  const [only] = places;
  if (only !== undefined && partitions.kind !== 'multi') return only[1];
  return places.map(([dimension, place]) => `(${keySql(dimension, place)})`).join(` || '|' || `);
}

function listedSql({ values }: StaticPartitions, column: string): string {
  const text = `${column}::VARCHAR`;
  const key = `replace(replace(${text}, '%', '%25'), '|', '%7C')`;
  return `case when ${text} in (${values.map(literal).join(', ')}) then ${key} end`;
}

/** Days, weeks and months are places as DATE. */
const isDated = ({ kind }: Partitions) => kind === 'daily' || kind === 'weekly' || kind === 'monthly';

/** The key of a placed value. */
export function keySql(partitions: Partitions, place: string): string {
  if (!isDated(partitions)) return place;
  const day = `(${place})::VARCHAR`;
  return partitions.kind === 'monthly' ? `left(${day}, -3)` : day;
}

/** The place of a key, which is an expression of type VARCHAR. */
export function placeOfKeySql(partitions: Partitions, key: string): string {
  if (!isDated(partitions)) return key;
  return partitions.kind === 'monthly' ? `(${key} || '-01')::DATE` : `(${key})::DATE`;
}

/**
 * What `{start}` or `{end}` stands for, as a value of the column's type.
 * @throws WalflowError ASSET_INVALID
 */
export function boundSql(partitions: Partitions, key: PartitionKey, bound: 'start' | 'end', by: Bound): string {
  const dimension = timeDimension(partitions);
  if (dimension === null) throw new WalflowError('ASSET_INVALID', `{${bound}} of partitions that are not by time`);
  const part = key.split('|')[dimension.at] ?? '';
  const { fromUs, toUs } = timeInstants(dimension.time, part);
  const us = bound === 'start' ? fromUs : toUs;
  if (by.type === 'TIMESTAMPTZ') return `make_timestamptz(${us})`;
  if (by.type === 'TIMESTAMP') return `make_timestamp(${localMicros(by.zone ?? 'UTC', us)})`;
  const { fromMs, toMs } = onClock(dimension.time, part);
  return dayLiteral(bound === 'start' ? fromMs : toMs);
}
