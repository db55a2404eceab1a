// A captured table in the warehouse: the source's column names, the types of type.ts, and from which commit each row came. No
// PRIMARY KEY and no UNIQUE: an index would slow down every merge and guard nothing that the fold does not guarantee.

import { type CapturedTable, foldedName, type TableName } from '../../../../workflows/model/relation.ts';
import { qualified, quoted } from '../identifier.ts';
import { duckDbType } from '../type.ts';

/** Position and time of the commit that last changed the row. */
export const COMMIT_LSN_COLUMN = '_walflow_commit_lsn';
const COMMIT_TIME_COLUMN = '_walflow_commit_time';

const OWN_COLUMNS = [COMMIT_LSN_COLUMN, COMMIT_TIME_COLUMN];
/** Schemas that no source may use. */
const RESERVED_SCHEMAS = new Set(['_walflow', 'information_schema', 'pg_catalog', 'temp', 'system']);

/** Creates the table, empty; replaces one that exists. */
export function createTableSql({ columns: captured }: CapturedTable, target: TableName): string {
  const columns = captured.map((column) => `${quoted(column.name)} ${duckDbType(column).name}`);
  const own = [`${COMMIT_LSN_COLUMN} BIGINT`, `${COMMIT_TIME_COLUMN} TIMESTAMPTZ`];
  return `create or replace table ${qualified(target)} (${[...columns, ...own].join(', ')})`;
}

/** Column list of an INSERT, in the order the fold selects: the table's columns, then walflow's. */
export function insertColumns(table: CapturedTable): string {
  return [...table.columns.map((column) => quoted(column.name)), ...OWN_COLUMNS].join(', ');
}

/**
 * Why this table cannot have its place in the warehouse, or null. For DuckDB two names that differ only in case are the same.
 * @param taken the table that has the place already
 */
export function collisionOf(table: CapturedTable, target: TableName, taken: string | undefined): string | null {
  if (RESERVED_SCHEMAS.has(foldedName(target.schema))) return `schema ${target.schema} is reserved in the warehouse`;
  if (taken !== undefined) return `${table.table} and ${taken} are the same table name in DuckDB`;
  const seen = new Map<string, string>(OWN_COLUMNS.map((name) => [name, name]));
  for (const { name } of table.columns) {
    const other = seen.get(foldedName(name));
    if (other !== undefined) return `columns ${other} and ${name} of ${table.table} are the same name in DuckDB`;
    seen.set(foldedName(name), name);
  }
  return null;
}
