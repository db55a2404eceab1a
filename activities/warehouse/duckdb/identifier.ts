// Names and literals in SQL. Names from a source can be anything (spaces, quotes, upper case), so every name is quoted.

import { foldedName, type TableName } from '../../../workflows/model/relation.ts';

/** A quoted identifier. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A text literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A TIMESTAMPTZ literal from ISO 8601. */
export function momentSql(iso: string | null): string {
  return iso === null ? 'null' : `${literal(iso)}::TIMESTAMPTZ`;
}

/** `"schema"."name"`. */
export function qualified(table: TableName): string {
  return `${quoted(table.schema)}.${quoted(table.name)}`;
}

/** DuckDB ignores case when it compares identifiers: equal results here are one name there. */
export function folded(table: TableName): string {
  return foldedName(qualified(table));
}
