// Finds in DuckDB's own parse of a query what a reader may not do. It is the second of three walls: statements other than
// SELECT have no such parse, and the instance cannot reach files outside the spool (instance.ts). Table functions are allowed by
// name, so one of a later DuckDB is refused until someone has examined it.

import type { TableName } from '../../../workflows/model/relation.ts';

/** Table functions that read only their arguments and the catalog. Not `histogram`: it can read a file. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  ...['range', 'generate_series', 'unnest', 'repeat', 'repeat_row', 'json_each', 'json_tree'],
  ...['duckdb_columns', 'duckdb_constraints', 'duckdb_databases', 'duckdb_functions', 'duckdb_indexes'],
  ...['duckdb_keywords', 'duckdb_schemas', 'duckdb_tables', 'duckdb_types', 'duckdb_views', 'duckdb_settings'],
  ...['pragma_table_info', 'pragma_version', 'pragma_database_size', 'pragma_storage_info', 'pg_timezone_names'],
]);

/** Functions that run SQL given as text, or change the process. */
const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([
  ...['query', 'query_table', 'json_execute_serialized_sql', 'nextval', 'write_log', 'getenv', 'which_secret'],
]);

/** DuckDB opens a name as a file if it looks like one and no table has it. */
const FILE_NAME = /[/\\*?]|\.(?:parquet|csv|tsv|txt|jsonl?|ndjson|duckdb|db|xlsx|arrow|avro)(?:\.\w+)?$/i;

const fieldOf = (node: object, name: string): unknown => (node as Readonly<Record<string, unknown>>)[name];
const textOf = (node: object, name: string): string => {
  const value = fieldOf(node, name);
  return typeof value === 'string' ? value : '';
};

/** A table as a query names it; the schema is empty if the query gives none. */
export type IsTable = (table: TableName) => boolean;

/** Does the name of this table look like that of a file? */
export function looksLikeFile({ schema, name }: TableName): boolean {
  return FILE_NAME.test(name) || FILE_NAME.test(schema);
}

/**
 * Describes the first thing in a query's parse tree (`json_serialize_sql`) that readers may not use; null if there is none.
 * @param isTable does such a table exist, even if its name looks like that of a file?
 */
export function forbiddenPart(tree: unknown, isTable: IsTable): string | null {
  // An explicit stack: a query may be nested deeper than JavaScript's call stack.
  const open: unknown[] = [tree];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    const refusal = refusalOf(node, isTable);
    if (refusal !== null) return refusal;
    for (const child of Object.values(node)) open.push(child);
  }
  return null;
}

function refusalOf(node: object, isTable: IsTable): string | null {
  const name = textOf(node, 'function_name').toLowerCase();
  if (REFUSED_FUNCTIONS.has(name)) return `function ${name}`;
  switch (textOf(node, 'type')) {
    case 'TABLE_FUNCTION': {
      const called = fieldOf(node, 'function');
      const table = typeof called === 'object' && called !== null ? textOf(called, 'function_name').toLowerCase() : '';
      return TABLE_FUNCTIONS.has(table) ? null : `table function ${table}`;
    }
    case 'BASE_TABLE': {
      const table = { schema: textOf(node, 'schema_name'), name: textOf(node, 'table_name') };
      return !looksLikeFile(table) || isTable(table)
        ? null
        : `"${table.name}" looks like a file, and no table has this name`;
    }
    default:
      return null;
  }
}
