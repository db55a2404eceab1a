// How each kind of column is written to a change file: the converter of its values, its Parquet type, and the order of its
// statistics. One row per kind; a kind without a row does not compile.

import type { ColumnKind, ColumnType } from '../../../workflows/model/column-type.ts';
import type { ValueOrder } from '../parquet/column-statistics.ts';
import {
  BOOLEAN,
  BYTES,
  DATE,
  DOUBLE,
  decimal,
  FLOAT,
  INT16,
  INT32,
  INT64,
  INT64_DIGITS,
  JSON_TEXT,
  type LeafType,
  STRING,
  TIME_LOCAL,
  TIMESTAMP_LOCAL,
  TIMESTAMP_UTC,
  UUID,
} from '../parquet/schema.ts';
import {
  type Converter,
  convertFloat4,
  convertFloat8,
  convertInt2,
  convertInt4,
  convertInt8,
  decimalConverter,
} from './text-number.ts';
import { convertDate, convertTime, convertTimestamp, convertTimestampTz } from './text-time.ts';
import { convertBool, convertBytea, convertJson, convertText, convertUuid } from './text-value.ts';

export interface ColumnCodec {
  readonly convert: Converter;
  readonly leaf: LeafType;
  /** Replaces `leaf` in a file with irregular values. */
  readonly irregularLeaf: LeafType;
  /** How values compare for minimum and maximum; null = there are none. */
  readonly order: ValueOrder | null;
}

const row =
  (convert: Converter, leaf: LeafType, order: ValueOrder | null, irregularLeaf = leaf): (() => ColumnCodec) =>
  () => ({ convert, leaf, irregularLeaf, order });

const CODECS: Readonly<Record<ColumnKind, (type: ColumnType) => ColumnCodec>> = {
  bool: row(convertBool, BOOLEAN, null),
  int2: row(convertInt2, INT16, 'int32'),
  int4: row(convertInt4, INT32, 'int32'),
  int8: row(convertInt8, INT64, 'int64'),
  // NaN and -0 have no agreed place in the order.
  float4: row(convertFloat4, FLOAT, null),
  float8: row(convertFloat8, DOUBLE, null),
  decimal: ({ precision, scale }) =>
    row(
      decimalConverter(precision, scale),
      decimal(precision, scale),
      precision <= INT64_DIGITS ? 'int64' : 'signed16',
    )(),
  bytea: row(convertBytea, BYTES, 'bytes'),
  date: row(convertDate, DATE, 'int32'),
  time: row(convertTime, TIME_LOCAL, 'int64'),
  timestamp: row(convertTimestamp, TIMESTAMP_LOCAL, 'int64'),
  timestamptz: row(convertTimestampTz, TIMESTAMP_UTC, 'int64'),
  uuid: row(convertUuid, UUID, 'unsigned16'),
  json: row(convertJson, JSON_TEXT, null, STRING),
  jsonb: row(convertText, JSON_TEXT, null),
  text: row(convertText, STRING, 'bytes'),
};

/** Made once per column, so that no table is looked up per value. */
export function codecOf(type: ColumnType): ColumnCodec {
  return CODECS[type.kind](type);
}
