// The Parquet type of every column kind: physical type, logical type, and the converted type older readers look at.
// Logical types: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md

import type { ColumnType } from '../../../workflows/model/column-type.ts';
import type { ValueOrder } from './column-statistics.ts';
import type { ThriftWriter } from './thrift.ts';

/** parquet.thrift `Type`. */
export const PHYSICAL = { BOOLEAN: 0, INT32: 1, INT64: 2, FLOAT: 4, DOUBLE: 5, BYTE_ARRAY: 6, FIXED: 7 } as const;
export type Physical = (typeof PHYSICAL)[keyof typeof PHYSICAL];

/** parquet.thrift `ConvertedType`. */
const CONVERTED = { UTF8: 0, DECIMAL: 5, DATE: 6, TIME_MICROS: 8, TIMESTAMP_MICROS: 10, INT_16: 16, JSON: 19 } as const;

/** parquet.thrift `LogicalType`: field ids of the union. */
const LOGICAL = { STRING: 1, DECIMAL: 5, DATE: 6, TIME: 7, TIMESTAMP: 8, INTEGER: 10, JSON: 12, UUID: 14 } as const;

/** What a leaf column's values are. */
export interface LeafType {
  readonly physical: Physical;
  /** Bytes per value, for FIXED only. */
  readonly width?: number;
  readonly order: ValueOrder | null;
  /** Writes converted type (field 6), scale (7), precision (8) and logical type (10) of a SchemaElement. */
  readonly annotate: (thrift: ThriftWriter) => void;
}

const plain = (physical: Physical, order: ValueOrder | null): LeafType => ({ physical, order, annotate: () => {} });

const empty = (converted: number | null, logical: number) => (thrift: ThriftWriter) => {
  if (converted !== null) thrift.i32(6, converted);
  thrift.struct(10).struct(logical).end().end();
};

/** TimeType and TimestampType: isAdjustedToUTC, unit MICROS. */
const micros = (converted: number | null, logical: number, utc: boolean) => (thrift: ThriftWriter) => {
  if (converted !== null) thrift.i32(6, converted);
  thrift.struct(10).struct(logical).bool(1, utc).struct(2).struct(2).end().end().end().end();
};

export const INT32: LeafType = plain(PHYSICAL.INT32, 'int32');
export const INT64: LeafType = plain(PHYSICAL.INT64, 'int64');
export const BOOLEAN: LeafType = plain(PHYSICAL.BOOLEAN, null);
export const STRING: LeafType = {
  physical: PHYSICAL.BYTE_ARRAY,
  order: 'bytes',
  annotate: empty(CONVERTED.UTF8, LOGICAL.STRING),
};
export const TIMESTAMP_UTC: LeafType = {
  physical: PHYSICAL.INT64,
  order: 'int64',
  annotate: micros(CONVERTED.TIMESTAMP_MICROS, LOGICAL.TIMESTAMP, true),
};

const SIMPLE: Readonly<Record<Exclude<ColumnType['kind'], 'decimal'>, LeafType>> = {
  bool: BOOLEAN,
  int2: {
    physical: PHYSICAL.INT32,
    order: 'int32',
    annotate: (thrift) => {
      // IntType's bit width is an i8, which the compact protocol writes as type 3 and one byte.
      thrift.i32(6, CONVERTED.INT_16).struct(10).struct(LOGICAL.INTEGER).i8(1, 16).bool(2, true).end().end();
    },
  },
  int4: INT32,
  int8: INT64,
  float4: plain(PHYSICAL.FLOAT, null),
  float8: plain(PHYSICAL.DOUBLE, null),
  text: STRING,
  json: { physical: PHYSICAL.BYTE_ARRAY, order: null, annotate: empty(CONVERTED.JSON, LOGICAL.JSON) },
  bytea: plain(PHYSICAL.BYTE_ARRAY, 'bytes'),
  date: { physical: PHYSICAL.INT32, order: 'int32', annotate: empty(CONVERTED.DATE, LOGICAL.DATE) },
  // No converted types for local times: TIME_MICROS and TIMESTAMP_MICROS are defined as adjusted to UTC.
  time: { physical: PHYSICAL.INT64, order: 'int64', annotate: micros(null, LOGICAL.TIME, false) },
  timestamp: { physical: PHYSICAL.INT64, order: 'int64', annotate: micros(null, LOGICAL.TIMESTAMP, false) },
  timestamptz: TIMESTAMP_UTC,
  uuid: { physical: PHYSICAL.FIXED, width: 16, order: 'unsigned16', annotate: empty(null, LOGICAL.UUID) },
};

/** The Parquet type of a table's column. */
export function leafTypeOf(type: ColumnType): LeafType {
  return type.kind === 'decimal' ? decimal(type.precision ?? 0, type.scale ?? 0) : SIMPLE[type.kind];
}

function decimal(precision: number, scale: number): LeafType {
  const annotate = (thrift: ThriftWriter) => {
    thrift.i32(6, CONVERTED.DECIMAL).i32(7, scale).i32(8, precision);
    thrift.struct(10).struct(LOGICAL.DECIMAL).i32(1, scale).i32(2, precision).end().end();
  };
  return precision <= 18
    ? { physical: PHYSICAL.INT64, order: 'int64', annotate }
    : { physical: PHYSICAL.FIXED, width: 16, order: 'signed16', annotate };
}
