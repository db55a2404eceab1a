// What the warehouse is asked about checks, and its answers.

import type { CheckSeverity } from '../../workflows/model/asset/check.ts';
import type { PartitionKey } from '../../workflows/model/asset/partition.ts';

/** The key of a row that breaks a check, as texts by column. */
export type FailingKey = Readonly<Record<string, string | null>>;

/** `error` = its SQL failed; `unknown` = it has not run yet, or its rule changed since. */
export type CheckState = 'passed' | 'warned' | 'failed' | 'error' | 'unknown';

/** A partition that was not published, or the whole of an asset without partitions. */
export interface Withheld {
  readonly check: string;
  readonly partition: PartitionKey | null;
  /** How many rows break the check. */
  readonly failing: number;
  /** Of the first few; none if the asset has no `unique` check that names its key. */
  readonly keys: readonly FailingKey[];
}

/** What a check found when it last ran. */
export interface CheckResult {
  readonly asset: string;
  readonly name: string;
  readonly severity: CheckSeverity;
  readonly blocking: boolean;
  readonly state: CheckState;
  /** Rows that break it; of a blocking check, rows that were not published. */
  readonly failing: number;
  readonly keys: readonly FailingKey[];
  /** Why its SQL failed. */
  readonly error?: string;
  /** ISO 8601 UTC; null if it has not run yet. */
  readonly at: string | null;
  readonly runId?: string;
  /** Those that a blocking check keeps from being published: the first ones by key, `partitionCount` counts all. */
  readonly partitions: readonly Omit<Withheld, 'check'>[];
  readonly partitionCount: number;
}
