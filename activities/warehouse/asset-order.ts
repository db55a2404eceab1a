// What the warehouse is asked about derived assets, and its answers.

import type { DerivedAsset } from '../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../workflows/model/asset/partition.ts';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import type { RunRef } from '../../workflows/model/run.ts';
import type { Withheld } from './check-order.ts';

export interface DueAsset {
  readonly asset: string;
  /** Version of the newest change it has not seen; 0 when only its code changed. */
  readonly seq: number;
}

export interface MaterializeOrder {
  readonly asset: DerivedAsset;
  readonly run: RunRef;
}

export interface PublishedStep {
  /** None if nothing was due, or nothing passed. */
  readonly records: readonly Materialization[];
  /** What breaks a blocking check: it was not published, and is still due. */
  readonly withheld: readonly Withheld[];
}

export interface MaterializationQuery {
  readonly partition?: PartitionKey;
  readonly limit: number;
  /** Id of the last record on the previous page. */
  readonly cursor?: string;
}

/** `missing` = never computed, `stale` = its code or an input changed since. */
export type DerivedState = 'missing' | 'stale' | 'current';

/** `missing` = something that it reads does not exist yet, `failed` = its SQL is wrong. */
export interface ViewState {
  readonly state: 'current' | 'missing' | 'failed';
  readonly reason?: string;
}

export interface PartitionQuery {
  readonly state?: DerivedState;
  readonly limit: number;
  /** The last partition on the previous page. */
  readonly cursor?: PartitionKey;
}

/** A known partition of a derived asset. */
export interface PartitionState {
  readonly partition: PartitionKey;
  readonly state: DerivedState;
  /** When the oldest change that it lacks came; ISO 8601 UTC, null when it is current. */
  readonly dueSince: string | null;
}

/** The state of a derived asset. Its partitions are those that were computed, or that a change touched; without partitions it counts as one. */
export interface AssetFigures {
  readonly missing: number;
  readonly stale: number;
  readonly current: number;
  /** Of all of it: also `stale` if it may have partitions that are not known yet. */
  readonly state: DerivedState;
  /** When the oldest change that is not in the asset came; ISO 8601 UTC, null when nothing is due. */
  readonly dueSince: string | null;
}
