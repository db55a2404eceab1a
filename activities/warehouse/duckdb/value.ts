// DuckDB's values as JSON. A value that JSON cannot hold exactly becomes DuckDB's own text: a client that reads numbers as
// doubles must not get a rounded one.

import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';

import type { QueryValue } from '../query.ts';

/** DuckDB stores ±infinity as the extremes of an integer; its client prints most of them as distant days. */
const INFINITE_DAYS = 2_147_483_647;
const INFINITE_TICKS = 2n ** 63n - 1n;

/** Each byte as DuckDB prints it: printable ASCII as it is, except for quotes and the backslash. */
const BYTE_TEXTS: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const letter = String.fromCharCode(byte);
  return /[ !#-&(-[\]-~]/.test(letter) ? letter : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});

/** One value: numbers that are exact as doubles, text, booleans, nested values; anything else as text. */
export function jsonValue(value: DuckDBValue): QueryValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return numberValue(value);
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

/** JSON has neither -0 nor NaN or infinity. */
function numberValue(value: number): QueryValue {
  if (Object.is(value, -0)) return '-0.0';
  return Number.isFinite(value) ? value : String(value);
}

function jsonFields(entries: Readonly<Record<string, DuckDBValue>>): QueryValue {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, jsonValue(value)]));
}

function textValue(value: Exclude<DuckDBValue, null | boolean | string | number | bigint>): string {
  if (value instanceof DuckDBBlobValue) return blobText(value.bytes);
  if (value instanceof DuckDBDateValue) return infinityText(value.days, INFINITE_DAYS) ?? dayText(value);
  // The client's text would be in the time zone of this process; the warehouse uses UTC.
  if (value instanceof DuckDBTimestampTZValue) {
    return infinityText(value.micros, INFINITE_TICKS) ?? `${dayText(new DuckDBTimestampValue(value.micros))}+00`;
  }
  if (value instanceof DuckDBTimestampValue) return momentText(value, value.micros);
  if (value instanceof DuckDBTimestampSecondsValue) return momentText(value, value.seconds);
  if (value instanceof DuckDBTimestampMillisecondsValue) return momentText(value, value.millis);
  if (value instanceof DuckDBTimestampNanosecondsValue) return momentText(value, value.nanos);
  return value.toString();
}

const momentText = (value: object, ticks: bigint) => infinityText(ticks, INFINITE_TICKS) ?? dayText(value);

function infinityText<T extends number | bigint>(value: T, infinite: T): string | null {
  if (value === infinite) return 'infinity';
  return value === -infinite ? '-infinity' : null;
}

/** The year before 1 is 1 BC; the client calls it 0. */
function dayText(value: object): string {
  return String(value).replace(/^0000(-\d\d-\d\d)/, '0001$1 (BC)');
}

/** The client does not escape a backslash: a zero byte and the four letters `\x00` would be the same text. */
function blobText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += BYTE_TEXTS[byte];
  return text;
}
