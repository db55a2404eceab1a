// Names and literals inside SQL text. Source names are arbitrary (spaces, quotes, upper case): every one is quoted.

import { foldedName, type TableName } from '../../../workflows/model/relation.ts';

/** A quoted identifier. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A text literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** `"schema"."name"`. */
export function qualified(table: TableName): string {
  return `${quoted(table.schema)}.${quoted(table.name)}`;
}

/** DuckDB folds case when it compares identifiers: equal results here are one name there. */
export function folded(table: TableName): string {
  return foldedName(qualified(table));
}
