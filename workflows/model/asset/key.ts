// Keys of assets, and the tables that hold them. A captured table is the asset `<pipeline>/<schema>.<table>`; a derived
// asset is `group/name`, with any number of parts.

import { parseTableId, type TableName } from '../relation.ts';

/** The key of a captured table; `table` is a `tableId`. */
export const capturedKey = (pipeline: string, table: string) => `${pipeline}/${table}`;

/** A key that begins with a pipeline's name belongs to that pipeline's tables; null for any other. */
export function parseCapturedKey(
  key: string,
  pipelines: ReadonlySet<string>,
): { readonly pipeline: string; readonly table: string } | null {
  const slash = key.indexOf('/');
  if (slash < 0 || !pipelines.has(key.slice(0, slash))) return null;
  return { pipeline: key.slice(0, slash), table: key.slice(slash + 1) };
}

/** `a/b` of `a/b/c`; null for a key without a group. */
export function groupOf(key: string): string | null {
  const slash = key.lastIndexOf('/');
  return slash < 0 ? null : key.slice(0, slash);
}

/** The table of a derived asset: `table` if set, else for `a/b/c` schema `a_b`, table `c`. */
export function derivedPlace({ key, table }: { readonly key: string; readonly table?: string }): TableName {
  if (table !== undefined) return parseTableId(table) ?? { schema: 'main', name: table };
  const group = groupOf(key);
  if (group === null) return { schema: 'main', name: key };
  return { schema: group.replaceAll('/', '_'), name: key.slice(group.length + 1) };
}
