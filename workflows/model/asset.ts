// The asset nouns (Dagster's words). A captured table is an asset `<pipeline>/<schema>.<table>`; a derived asset is
// declared by the user, depends on assets, and has a record of every materialization.

import type { LsnHex } from './lsn.ts';
import type { TableName } from './relation.ts';

export interface DailyPartitions {
  readonly kind: 'daily';
  /** First day, `YYYY-MM-DD`, UTC. */
  readonly start: string;
  /** Date or timestamp column of the dependency that says which day a row belongs to. */
  readonly dep: string;
  /** Column of the result that holds the day. */
  readonly output: string;
}

export interface Automation {
  readonly kind: 'eager';
}

export interface AssetDefinition {
  /** `group/name`: schema `group`, table `name` in the warehouse. */
  readonly key: string;
  readonly deps: readonly string[];
  readonly partitions?: DailyPartitions;
  readonly automation?: Automation;
  readonly freshness?: { readonly warnAfter: string; readonly failAfter: string };
  /** Overrides the `schema.table` the result is written to. */
  readonly table?: string;
  /** `{dep/key}` stands for a dependency, `{start}` and `{end}` for the partition's half-open range. */
  readonly sql: string;
}

/** What one input looked like when a materialization read it. */
export interface MaterializationInput {
  readonly asset: string;
  /** Watermark the run read at. */
  readonly lsnTo: LsnHex;
  readonly seqTo: number;
  /** First manifest not yet seen by the previous materialization. */
  readonly seqFrom: number;
  readonly lsnFrom: LsnHex;
}

export interface Materialization {
  readonly id: string;
  readonly asset: string;
  readonly partition: string | null;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly startedAt: string;
  readonly rows: number;
  readonly inputs: readonly MaterializationInput[];
  /** Hash of the asset's code (its SQL and partitioning). */
  readonly codeVersion: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly attempt: number;
}

/** A dependency that is a captured table: `<pipeline>/<schema>.<table>`; null for a derived asset's key. */
export function parseCapturedKey(
  key: string,
  pipelines: ReadonlySet<string>,
): { pipeline: string; table: string } | null {
  const slash = key.indexOf('/');
  if (slash < 0 || !pipelines.has(key.slice(0, slash))) return null;
  return { pipeline: key.slice(0, slash), table: key.slice(slash + 1) };
}

/** Where a derived asset lives: `a/b/c` → schema `a_b`, table `c`; `table:` overrides. */
export function assetTable(asset: Pick<AssetDefinition, 'key' | 'table'>): TableName {
  if (asset.table !== undefined) {
    const dot = asset.table.indexOf('.');
    return dot < 0
      ? { schema: 'main', name: asset.table }
      : { schema: asset.table.slice(0, dot), name: asset.table.slice(dot + 1) };
  }
  const parts = asset.key.split('/');
  const name = parts.pop() ?? asset.key;
  return { schema: parts.length > 0 ? parts.join('_') : 'main', name };
}
