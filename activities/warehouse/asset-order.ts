// What the warehouse is asked about derived assets, and its answers.

import type { AssetEdge, DerivedAsset } from '../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../workflows/model/asset/partition.ts';
import type { RunRef } from '../../workflows/model/run.ts';

export interface DueAsset {
  readonly asset: string;
  /** Manifest of the newest change it has not seen; 0 when only its code changed. */
  readonly seq: number;
}

export interface MaterializeOrder {
  readonly asset: DerivedAsset;
  /** To the assets that read this one. */
  readonly readers: readonly AssetEdge[];
  readonly run: RunRef;
}

export interface MaterializationQuery {
  readonly partition?: PartitionKey;
  readonly limit: number;
  /** Id of the last record on the previous page. */
  readonly cursor?: string;
}

/** The state of a derived asset. An asset without partitions counts as one. */
export interface AssetFigures {
  /** Partitions that were materialized from what their inputs hold now. */
  readonly current: number;
  /** Partitions that were materialized, and whose inputs or code changed since. */
  readonly stale: number;
  /** When the oldest change that is not in the asset was merged; ISO 8601 UTC, null when nothing is due. */
  readonly dueSince: string | null;
}
