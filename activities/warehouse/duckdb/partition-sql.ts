// To which partition a value belongs, in SQL. Days are compared as DATE and named by its text; sessions are in UTC. The model
// defines what keys mean (asset/partition.ts).

import {
  type DailyPartitions,
  instantsOf,
  LAST_DAY,
  type PartitionKey,
} from '../../../workflows/model/asset/partition.ts';
import { literal } from './identifier.ts';

/** The partition of a date or timestamp; NULL for NULL, ±infinity, and values before the first or after the last partition. */
export function placeSql({ start }: DailyPartitions, column: string): string {
  const day = `${column}::DATE`;
  return `case when isfinite(${column}) and ${day} between ${dayLiteral(start)} and ${dayLiteral(LAST_DAY)} then ${day} end`;
}

/** The key of a placed value. */
export const keySql = (place: string) => `(${place})::VARCHAR`;

/** The place of a key, which is an expression of type VARCHAR. */
export const placeOfKeySql = (key: string) => `${key}::DATE`;

/** What `{start}` or `{end}` stands for. */
export function instantSql(key: PartitionKey, bound: 'start' | 'end'): string {
  const { fromUs, toUs } = instantsOf(key);
  return `make_timestamptz(${bound === 'start' ? fromUs : toUs})`;
}

const dayLiteral = (key: PartitionKey) => `DATE ${literal(key)}`;
