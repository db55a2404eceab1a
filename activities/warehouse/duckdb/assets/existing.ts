// Is there something of this name in the warehouse?

import type { TableName } from '../../../../workflows/model/relation.ts';
import type { DuckDbSession } from '../session.ts';

export const tableExists = (session: DuckDbSession, place: TableName) =>
  exists(session, 'duckdb_tables()', 'table_name', place);

export const viewExists = (session: DuckDbSession, place: TableName) =>
  exists(session, 'duckdb_views()', 'view_name', place);

async function exists(session: DuckDbSession, of: string, column: string, { schema, name }: TableName) {
  const found = await session.rows(
    `select 1 from ${of} where lower(schema_name) = lower($1) and lower(${column}) = lower($2)`,
    [schema, name],
  );
  return found.length > 0;
}
