// `schema.table` and `schema.*`: which tables a pattern matches, and whether two patterns can match the same one. Pure.

import { parseTableId } from '../../workflows/model/relation.ts';

const ALL = '*';

export function matchesTable(pattern: string, table: string): boolean {
  const wanted = parseTableId(pattern);
  const given = parseTableId(table);
  if (wanted === null || given === null) return false;
  return wanted.schema === given.schema && (wanted.name === ALL || wanted.name === given.name);
}

/** DuckDB folds case, so names that differ only in case are one table there. */
export function overlaps(a: string, b: string): boolean {
  const first = parseTableId(a.toLowerCase());
  const second = parseTableId(b.toLowerCase());
  if (first === null || second === null || first.schema !== second.schema) return false;
  return first.name === ALL || second.name === ALL || first.name === second.name;
}
