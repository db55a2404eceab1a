// A query as DuckDB itself parses it, examined before it runs: is it one SELECT, and may a reader do what it does?

import type { DuckDBConnection } from '@duckdb/node-api';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { folded } from '../identifier.ts';
import { DEFAULT_SCHEMA } from '../instance.ts';
import { forbiddenPart, type IsTable, looksLikeFile } from '../query-guard.ts';

interface Parse {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly unknown[];
}

/**
 * The parse tree of a query. DuckDB serializes only SELECT: whatever has no parse tree is not a read.
 * @throws WalflowError QUERY_NOT_READ_ONLY, QUERY_FORBIDDEN, QUERY_INVALID
 */
export async function parseQuery(connection: DuckDBConnection, sql: string): Promise<unknown> {
  const reader = await connection.runAndReadAll(
    'select json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true)',
    [sql],
  );
  const tree = JSON.parse(String(reader.getRows()[0]?.[0])) as Parse;
  if (tree.error && tree.error_type === 'parser')
    throw new WalflowError('QUERY_INVALID', tree.error_message ?? 'the SQL does not parse');
  if (tree.error) throw new WalflowError('QUERY_NOT_READ_ONLY', 'this statement is not a SELECT');
  if (tree.statements?.length !== 1) throw new WalflowError('QUERY_INVALID', 'a query is exactly one statement');
  if (forbiddenPart(tree.statements, () => false) === null) return tree.statements;
  const forbidden = forbiddenPart(tree.statements, await tablesLikeFiles(connection));
  if (forbidden !== null) throw new WalflowError('QUERY_FORBIDDEN', `the query may not use this: ${forbidden}`);
  return tree.statements;
}

/** A source's table may be called `a/b.csv`. Read in the transaction in which the query binds its names. */
async function tablesLikeFiles(connection: DuckDBConnection): Promise<IsTable> {
  const reader = await connection.runAndReadAll(
    `select schema_name, table_name from duckdb_tables() where database_name = current_database()`,
  );
  const tables = reader.getRows().map(([schema, name]) => ({ schema: String(schema), name: String(name) }));
  const known = new Set(tables.filter(looksLikeFile).map(folded));
  return (table) => known.has(folded(table.schema === '' ? { ...table, schema: DEFAULT_SCHEMA } : table));
}
