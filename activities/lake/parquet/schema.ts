// Parquet types: physical type, logical type, and the converted type, which older readers use.
// Logical types: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md

import type { ThriftWriter } from './thrift.ts';

/** parquet.thrift `Type`. */
export const PHYSICAL = { BOOLEAN: 0, INT32: 1, INT64: 2, FLOAT: 4, DOUBLE: 5, BYTE_ARRAY: 6, FIXED: 7 } as const;
export type Physical = (typeof PHYSICAL)[keyof typeof PHYSICAL];

/** parquet.thrift `ConvertedType`. */
const CONVERTED = { UTF8: 0, DECIMAL: 5, DATE: 6, TIME_MICROS: 8, TIMESTAMP_MICROS: 10, INT_16: 16, JSON: 19 } as const;

/** parquet.thrift `LogicalType`: field ids of the union. */
const LOGICAL = { STRING: 1, DECIMAL: 5, DATE: 6, TIME: 7, TIMESTAMP: 8, INTEGER: 10, JSON: 12, UUID: 14 } as const;

/** The type of a leaf column's values. */
export interface LeafType {
  readonly physical: Physical;
  /** Bytes per value, for FIXED only. */
  readonly width?: number;
  /** Writes converted type (field 6), scale (7), precision (8) and logical type (10) of a SchemaElement. */
  readonly annotate: (thrift: ThriftWriter) => void;
}

type Annotate = LeafType['annotate'];

const nothing: Annotate = () => {};

const empty =
  (logical: number, converted: number | null = null): Annotate =>
  (thrift) => {
    if (converted !== null) thrift.i32(6, converted);
    thrift.struct(10).struct(logical).end().end();
  };

/** TimeType and TimestampType: isAdjustedToUTC, unit MICROS. */
const micros =
  (logical: number, utc: boolean, converted: number | null = null): Annotate =>
  (thrift) => {
    if (converted !== null) thrift.i32(6, converted);
    thrift.struct(10).struct(logical).bool(1, utc).struct(2).struct(2).end().end().end().end();
  };

/** IntType's bit width is an i8, which the compact protocol writes as type 3 and one byte. */
const int16: Annotate = (thrift) =>
  thrift.i32(6, CONVERTED.INT_16).struct(10).struct(LOGICAL.INTEGER).i8(1, 16).bool(2, true).end().end();

export const BOOLEAN: LeafType = { physical: PHYSICAL.BOOLEAN, annotate: nothing };
export const INT16: LeafType = { physical: PHYSICAL.INT32, annotate: int16 };
export const INT32: LeafType = { physical: PHYSICAL.INT32, annotate: nothing };
export const INT64: LeafType = { physical: PHYSICAL.INT64, annotate: nothing };
export const FLOAT: LeafType = { physical: PHYSICAL.FLOAT, annotate: nothing };
export const DOUBLE: LeafType = { physical: PHYSICAL.DOUBLE, annotate: nothing };
export const BYTES: LeafType = { physical: PHYSICAL.BYTE_ARRAY, annotate: nothing };
export const STRING: LeafType = { physical: PHYSICAL.BYTE_ARRAY, annotate: empty(LOGICAL.STRING, CONVERTED.UTF8) };
export const JSON_TEXT: LeafType = { physical: PHYSICAL.BYTE_ARRAY, annotate: empty(LOGICAL.JSON, CONVERTED.JSON) };
export const UUID: LeafType = { physical: PHYSICAL.FIXED, width: 16, annotate: empty(LOGICAL.UUID) };
export const DATE: LeafType = { physical: PHYSICAL.INT32, annotate: empty(LOGICAL.DATE, CONVERTED.DATE) };
// No converted types for local times: TIME_MICROS and TIMESTAMP_MICROS are defined as adjusted to UTC.
export const TIME_LOCAL: LeafType = { physical: PHYSICAL.INT64, annotate: micros(LOGICAL.TIME, false) };
export const TIMESTAMP_LOCAL: LeafType = { physical: PHYSICAL.INT64, annotate: micros(LOGICAL.TIMESTAMP, false) };
export const TIMESTAMP_UTC: LeafType = {
  physical: PHYSICAL.INT64,
  annotate: micros(LOGICAL.TIMESTAMP, true, CONVERTED.TIMESTAMP_MICROS),
};

/** Decimals of this many digits fit an INT64, larger ones 16 bytes. */
export const INT64_DIGITS = 18;

/** The unscaled number: INT64, or 16 bytes big endian, two's complement. */
export function decimal(precision: number, scale: number): LeafType {
  const annotate: Annotate = (thrift) => {
    thrift.i32(6, CONVERTED.DECIMAL).i32(7, scale).i32(8, precision);
    thrift.struct(10).struct(LOGICAL.DECIMAL).i32(1, scale).i32(2, precision).end().end();
  };
  return precision <= INT64_DIGITS
    ? { physical: PHYSICAL.INT64, annotate }
    : { physical: PHYSICAL.FIXED, width: 16, annotate };
}
