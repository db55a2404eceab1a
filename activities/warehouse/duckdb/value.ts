// DuckDB's values as JSON. What JSON cannot hold exactly becomes DuckDB's own text: a client that reads numbers as doubles
// must not be handed a rounded one.

import {
  DuckDBArrayValue,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';

import type { QueryValue } from '../query.ts';

/** DuckDB keeps ±infinity of a DATE as the ends of an INT32; its client prints those as days of the year 5881580. */
const INFINITE_DAYS = 2_147_483_647;

/** One value: numbers that are exact as doubles, text, booleans, nested values; anything else as text. */
export function jsonValue(value: DuckDBValue): QueryValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') {
    const near = Number(value);
    return Number.isSafeInteger(near) ? near : value.toString();
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(jsonValue);
  if (value instanceof DuckDBStructValue) return jsonFields(value.entries);
  if (value instanceof DuckDBMapValue) {
    return value.entries.map((entry) => ({ key: jsonValue(entry.key), value: jsonValue(entry.value) }));
  }
  if (value instanceof DuckDBUnionValue) return jsonValue(value.value);
  return textValue(value);
}

function jsonFields(entries: Readonly<Record<string, DuckDBValue>>): QueryValue {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, jsonValue(value)]));
}

function textValue(value: Exclude<DuckDBValue, null | boolean | string | number | bigint>): string {
  if (value instanceof DuckDBDateValue && Math.abs(value.days) === INFINITE_DAYS) {
    return value.days > 0 ? 'infinity' : '-infinity';
  }
  // Its own text would be in the time zone of this process; the warehouse speaks UTC.
  if (value instanceof DuckDBTimestampTZValue) {
    const text = new DuckDBTimestampValue(value.micros).toString();
    return value.isFinite ? `${text}+00` : text;
  }
  return value.toString();
}
