// Which tables `walflow verify` compares: all that the configuration captures, whether or not the warehouse has them. A table
// that cannot be compared is named with the reason: left out, it would seem equal. Pure.

import { isWanted } from '../../activities/capture/capture.ts';
import type { PipelineResources } from '../../activities/resources.ts';
import { FLOWING, type TableStatus } from '../../activities/warehouse/table-status.ts';

interface Known {
  readonly configured: Pick<PipelineResources['source'], 'tables' | 'newTables'>;
  /** The tables that the patterns match at the source now. */
  readonly catalog: readonly string[];
  /** Why a table that the configuration names cannot be captured. */
  readonly obstacles: readonly string[];
  /** The tables that the manifest log records as captured. */
  readonly captured: readonly string[];
  readonly warehouse: readonly TableStatus[];
}

export type ScopedTable =
  | { readonly tag: 'comparable'; readonly status: TableStatus }
  | { readonly tag: 'not-comparable'; readonly table: string; readonly reason: string };

/** Each table once, by name. */
export function verifyScope(known: Known): readonly ScopedTable[] {
  const { configured, catalog, captured } = known;
  const named = configured.tables.filter((pattern) => !pattern.endsWith('.*'));
  const wanted = catalog.filter((table) => isWanted(table, configured));
  const all = new Set([...named, ...wanted, ...captured]);
  return [...all].sort().map((table) => scoped(table, known));
}

function scoped(table: string, known: Known): ScopedTable {
  const status = known.warehouse.find((one) => one.table === table);
  const reason = obstacleTo(table, status, known);
  if (reason === null && status !== undefined) return { tag: 'comparable', status };
  return { tag: 'not-comparable', table, reason: reason ?? 'the warehouse does not have it yet' };
}

function obstacleTo(table: string, status: TableStatus | undefined, known: Known): string | null {
  if (!known.catalog.includes(table)) {
    return known.obstacles.find((message) => message.includes(table)) ?? 'the source no longer has this table';
  }
  if (!known.captured.includes(table)) return 'it is not captured yet';
  if (status === undefined || FLOWING.includes(status.state)) return null;
  return `the table is ${status.state}, so it does not follow its source`;
}
