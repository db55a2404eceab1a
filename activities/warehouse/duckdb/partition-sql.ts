// How a value is placed in a partition, in SQL. Partitions of a day are compared as DATE and named by its text; sessions
// run in UTC. What the keys mean is the model's (asset/partition.ts).

import {
  type DailyPartitions,
  instantsOf,
  LAST_DAY,
  type PartitionKey,
} from '../../../workflows/model/asset/partition.ts';
import { literal } from './identifier.ts';

/** The partition a date or timestamp lies in; NULL for NULL, ±infinity and whatever is before the first or after the last. */
export function placeSql({ start }: DailyPartitions, column: string): string {
  const day = `${column}::DATE`;
  return `case when isfinite(${column}) and ${day} between ${dayLiteral(start)} and ${dayLiteral(LAST_DAY)} then ${day} end`;
}

/** The key of a placed value. */
export const keySql = (place: string) => `(${place})::VARCHAR`;

/** The place that a key, an expression of type VARCHAR, names. */
export const placeOfKeySql = (key: string) => `${key}::DATE`;

/** What `{start}` or `{end}` stands for. */
export function instantSql(key: PartitionKey, bound: 'start' | 'end'): string {
  const { fromUs, toUs } = instantsOf(key);
  return `make_timestamptz(${bound === 'start' ? fromUs : toUs})`;
}

const dayLiteral = (key: PartitionKey) => `DATE ${literal(key)}`;
