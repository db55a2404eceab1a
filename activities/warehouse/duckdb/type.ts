// How DuckDB stores each kind of column: one row per kind; a kind without a row does not compile.

import {
  type ColumnKind,
  type ColumnType,
  columnTypeOf,
  type TypedColumn,
} from '../../../workflows/model/column-type.ts';

export interface DuckDbType {
  /** As in CREATE TABLE. */
  readonly name: string;
  /** SQL: a value from PostgreSQL's text, read by DuckDB's own parser; NULL if it has no such value. */
  readonly parse: (text: string) => string;
  /** SQL: a column's values in the form that compares with parsed ones. */
  readonly comparable: (column: string) => string;
  /** SQL: a column of a change file, as this type. */
  readonly read: (column: string) => string;
  /** Can the type of the column vary between change files? */
  readonly variesByFile: boolean;
}

type Differences = Partial<Omit<DuckDbType, 'name'>>;

const asIs = (sql: string) => sql;

const asText = (sql: string) => `${sql}::VARCHAR`;

function typeNamed(name: string, differences: Differences = {}): DuckDbType {
  return {
    name,
    parse: (text) => `try_cast(${text} as ${name})`,
    comparable: asIs,
    read: asIs,
    variesByFile: false,
    ...differences,
  };
}

const row = (name: string, differences?: Differences) => () => typeNamed(name, differences);

/** DuckDB writes the era after the date, PostgreSQL at the end. */
const parseMoment = (name: string) => (text: string) =>
  `try_cast(regexp_replace(${text}, '^(\\S+) (.*) BC$', '\\1 (BC) \\2') as ${name})`;

const TYPES: Readonly<Record<ColumnKind, (type: ColumnType) => DuckDbType>> = {
  bool: row('BOOLEAN'),
  int2: row('SMALLINT'),
  int4: row('INTEGER'),
  int8: row('BIGINT'),
  float4: row('FLOAT'),
  float8: row('DOUBLE'),
  decimal: ({ precision, scale }) => typeNamed(`DECIMAL(${precision},${scale})`),
  bytea: row('BLOB', {
    parse: (text) => `case when starts_with(${text}, '\\x') then try(unhex(substr(${text}, 3))) end`,
  }),
  date: row('DATE', {
    parse: (text) => `try_cast(regexp_replace(${text}, ' BC$', ' (BC)') as DATE)`,
  }),
  time: row('TIME'),
  timestamp: row('TIMESTAMP', { parse: parseMoment('TIMESTAMP') }),
  timestamptz: row('TIMESTAMPTZ', { parse: parseMoment('TIMESTAMPTZ') }),
  uuid: row('UUID'),
  // Text, because DuckDB's JSON cannot hold escapes of lone surrogates. Each file shows which of the two types it has.
  json: row('VARCHAR', { parse: asIs, read: asText, variesByFile: true }),
  jsonb: row('JSON', { parse: asIs, comparable: asText }),
  text: row('VARCHAR', { parse: asIs }),
};

/** The type of a captured column. */
export function duckDbType(column: TypedColumn): DuckDbType {
  const type = columnTypeOf(column);
  return TYPES[type.kind](type);
}
