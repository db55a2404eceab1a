// The one type table: Postgres → Parquet → DuckDB. Exact or text: a type with no exact column of its own is kept as the
// text PostgreSQL prints (session: UTC, ISO dates, hex bytea), never rounded, never dropped.

/** How a value is laid out in a Parquet column; names the encoder's converter. */
export type ColumnKind =
  | 'bool'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'float4'
  | 'float8'
  | 'decimal'
  | 'text'
  | 'json'
  | 'bytea'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid';

export interface ColumnType {
  readonly kind: ColumnKind;
  /** DuckDB type name as used in CREATE TABLE. */
  readonly duckdb: string;
  /** Only for `decimal`: digits in all, digits after the point. */
  readonly precision?: number;
  readonly scale?: number;
}

const TEXT: ColumnType = { kind: 'text', duckdb: 'VARCHAR' };
const NUMERIC_OID = 1700;

/** Built-in type OIDs are fixed by PostgreSQL (src/include/catalog/pg_type.dat). */
const BY_OID: ReadonlyMap<number, ColumnType> = new Map<number, ColumnType>([
  [16, { kind: 'bool', duckdb: 'BOOLEAN' }],
  [17, { kind: 'bytea', duckdb: 'BLOB' }],
  [20, { kind: 'int8', duckdb: 'BIGINT' }],
  [21, { kind: 'int2', duckdb: 'SMALLINT' }],
  [23, { kind: 'int4', duckdb: 'INTEGER' }],
  [114, { kind: 'json', duckdb: 'JSON' }],
  [700, { kind: 'float4', duckdb: 'FLOAT' }],
  [701, { kind: 'float8', duckdb: 'DOUBLE' }],
  [1082, { kind: 'date', duckdb: 'DATE' }],
  [1083, { kind: 'time', duckdb: 'TIME' }],
  [1114, { kind: 'timestamp', duckdb: 'TIMESTAMP' }],
  [1184, { kind: 'timestamptz', duckdb: 'TIMESTAMPTZ' }],
  [2950, { kind: 'uuid', duckdb: 'UUID' }],
  [3802, { kind: 'json', duckdb: 'JSON' }],
]);

/** numeric(p, s): `((p << 16) | (s & 0x7ff)) + 4`; s is an 11-bit signed number since PostgreSQL 15 (numeric.c). */
function decimalType(typeModifier: number): ColumnType {
  if (typeModifier < 4) return TEXT;
  const precision = ((typeModifier - 4) >> 16) & 0xffff;
  const scale = (((typeModifier - 4) & 0x7ff) ^ 1024) - 1024;
  if (precision > 38 || scale < 0 || scale > precision) return TEXT;
  return { kind: 'decimal', duckdb: `DECIMAL(${precision},${scale})`, precision, scale };
}

/** The column type for a Postgres type; anything unknown (enums, arrays, domains, ranges, …) is exact text. */
export function columnTypeOf(column: { readonly typeOid: number; readonly typeModifier: number }): ColumnType {
  if (column.typeOid === NUMERIC_OID) return decimalType(column.typeModifier);
  return BY_OID.get(column.typeOid) ?? TEXT;
}
