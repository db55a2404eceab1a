// `schema.table` and `schema.*`: which tables a pattern matches, and whether two patterns can match the same one. Pure.

import { foldedName, parseTableId } from '../../workflows/model/relation.ts';

const ALL = '*';

export function matchesTable(pattern: string, table: string): boolean {
  const wanted = parseTableId(pattern);
  const given = parseTableId(table);
  if (wanted === null || given === null) return false;
  return wanted.schema === given.schema && (wanted.name === ALL || wanted.name === given.name);
}

/** Can two patterns match the same table of a warehouse? */
export function overlaps(a: string, b: string): boolean {
  const first = parseTableId(a);
  const second = parseTableId(b);
  if (first === null || second === null || foldedName(first.schema) !== foldedName(second.schema)) return false;
  return first.name === ALL || second.name === ALL || foldedName(first.name) === foldedName(second.name);
}
