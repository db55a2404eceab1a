// Keys of assets (Dagster's word) and the tables behind them. A captured table is the asset `<pipeline>/<schema>.<table>`;
// a derived one is `group/name`, of any depth.

import { parseTableId, type TableName } from '../relation.ts';

/** The key of a captured table; `table` as `tableId` writes it. */
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

/** Where a derived asset lives: `a/b/c` → schema `a_b`, table `c`; `table` overrides. */
export function derivedPlace({ key, table }: { readonly key: string; readonly table?: string }): TableName {
  if (table !== undefined) return parseTableId(table) ?? { schema: 'main', name: table };
  const group = groupOf(key);
  if (group === null) return { schema: 'main', name: key };
  return { schema: group.replaceAll('/', '_'), name: key.slice(group.length + 1) };
}
