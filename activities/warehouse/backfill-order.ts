// What the warehouse is asked about backfills, and its answers.

import type {
  BackfillCounts,
  BackfillEnd,
  BackfillOnly,
  BackfillStatus,
  BackfillTurn,
} from '../../workflows/model/asset/backfill.ts';
import type { DerivedAsset } from '../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../workflows/model/asset/partition.ts';

export interface BackfillAsset {
  readonly asset: DerivedAsset;
  /** It is computed when all of lower layers are. */
  readonly layer: number;
  /** In the order of time; null = it has no partitions, and is computed once. */
  readonly partitions: readonly PartitionKey[] | null;
}

export interface BackfillOrder {
  /** What was asked for, for people to read. */
  readonly selection: string;
  /** In the order of the graph. */
  readonly assets: readonly BackfillAsset[];
  readonly only: BackfillOnly | null;
  /** Partitions of one run. */
  readonly chunk: number;
  readonly nowMs: number;
}

/** What a backfill would do, or does. */
export interface BackfillPlan {
  readonly assets: readonly { readonly asset: string; readonly partitions: number }[];
}

export interface TurnOrder {
  readonly backfill: string;
  /** All derived assets, in the order of the graph. */
  readonly assets: readonly DerivedAsset[];
  readonly nowMs: number;
}

export interface BackfillView {
  readonly id: string;
  readonly selection: string;
  readonly only: BackfillOnly | null;
  readonly chunk: number;
  readonly status: BackfillStatus;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly endedAt: string | null;
  /** At the speed so far; null while nothing is known of it. */
  readonly secondsLeft: number | null;
  /** In the order in which they are computed. */
  readonly assets: readonly BackfillCounts[];
}

/** A partition that a backfill could not compute. */
export interface BackfillFailure {
  readonly asset: string;
  readonly partition: PartitionKey | null;
  readonly state: 'failed' | 'skipped';
  readonly reason: string;
}

export interface BackfillDetail extends BackfillView {
  /** The first hundred. */
  readonly failures: readonly BackfillFailure[];
}

/** The part of the port that is about backfills. */
export interface BackfillStore {
  /** What `planBackfill` would store. */
  backfillPlan(order: BackfillOrder): Promise<BackfillPlan>;
  /**
   * Stores a backfill before anything starts; the caller starts its workflow, else automation does. ⚠ From then on automation
   * leaves its partitions to it.
   * @returns its id; null when nothing is to be done.
   */
  planBackfill(order: BackfillOrder): Promise<string | null>;
  /** Notes how its last run ended, and stores its next one. Asked again, it answers the same run until that has ended. */
  backfillTurn(order: TurnOrder): Promise<BackfillTurn>;
  /**
   * Pauses, resumes or ends a backfill; one that has ended stays as it is.
   * @returns the run that it has under way, if any; null = there is no such backfill.
   */
  setBackfill(
    id: string,
    status: 'running' | 'paused' | Extract<BackfillEnd, 'cancelled'>,
    nowMs: number,
  ): Promise<{ readonly status: BackfillStatus; readonly run: string | null } | null>;
  /** Newest first. */
  backfills(limit: number): Promise<readonly BackfillView[]>;
  backfill(id: string): Promise<BackfillDetail | null>;
  /** Ids of those that have not ended. */
  liveBackfills(): Promise<readonly string[]>;
}
