// What a user writes about a derived asset.

import type { DailyPartitions } from './partition.ts';

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

export interface FreshnessLimits {
  readonly warnAfterMs: number;
  readonly failAfterMs: number;
}

/** A definition as loading it left it: durations are numbers. */
export interface LoadedAsset extends AssetDefinition {
  readonly freshnessLimits?: FreshnessLimits;
}
