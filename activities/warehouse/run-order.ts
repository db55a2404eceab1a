// What the warehouse is asked about runs and their steps, and its answers.

import type { DerivedAsset } from '../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../workflows/model/asset/partition.ts';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import type {
  PlannedRun,
  RunCause,
  RunEnd,
  RunStatus,
  StepOutcome,
  StepReason,
  StepScope,
  StepStatus,
} from '../../workflows/model/asset/run.ts';
import type { StepConclusion } from '../../workflows/model/asset/step-queue.ts';
import type { DecideResult, RunRef } from '../../workflows/model/run.ts';

export interface DecideOrder {
  /** All derived assets, in the order of the graph. */
  readonly assets: readonly DerivedAsset[];
  /** Of `everyMs`: windows in which the next decision is not due yet. */
  readonly closed: readonly number[];
  readonly nowMs: number;
}

/** Its live runs are the oldest first, without the one that is decided now. */
export type Decision = Omit<DecideResult, 'backfills'>;

export interface PlanOrder {
  /** A name of the caller's for this run: planned again under it, it is the same run. Default: a new one. */
  readonly id?: string;
  readonly cause: RunCause;
  /** In the order of the graph, each asset once. */
  readonly steps: readonly PlannedStep[];
  readonly nowMs: number;
}

export interface PlannedStep {
  readonly asset: DerivedAsset;
  readonly scope: StepScope;
  /** Of a `listed` scope; none for an asset without partitions, which is computed as a whole. */
  readonly partitions?: readonly PartitionKey[];
}

export interface StepRef {
  /** Id of the run. */
  readonly run: string;
  readonly no: number;
}

export interface StepOrder extends StepRef {
  readonly asset: DerivedAsset;
  /** Of the activity. */
  readonly attempt: RunRef;
  /** Aborted = interrupt what computes; a publish that has begun to commit is not. */
  readonly signal: AbortSignal;
}

export interface StepResult {
  readonly outcome: StepOutcome;
  /** New ones; none of a step that had ended before. */
  readonly records: readonly Materialization[];
}

export interface RunEndOrder {
  readonly run: string;
  /** Null = it goes on; only the steps have ended. */
  readonly status: RunEnd | null;
  /** Steps that did not end by themselves; where the run ends, those that are not here are cancelled. */
  readonly steps: readonly StepConclusion[];
  readonly nowMs: number;
}

export interface RunQuery {
  readonly status?: RunStatus;
  readonly asset?: string;
  readonly cause?: RunCause['kind'];
  readonly limit: number;
  /** Id of the last run on the previous page. */
  readonly cursor?: string;
}

export interface StepView {
  readonly no: number;
  readonly asset: string;
  readonly status: StepStatus;
  readonly reason?: StepReason;
  readonly scope: StepScope;
  /** Partitions that are listed in its plan; 0 where it chooses by itself. */
  readonly planned: number;
  readonly partitions: number;
  readonly unchanged: number;
  readonly rows: number;
  readonly attempt: number;
  readonly error?: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** Times are ISO 8601 UTC. */
export interface RunView {
  readonly id: string;
  readonly status: RunStatus;
  readonly cause: RunCause;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly steps: readonly StepView[];
}

/** Why a partition is not current: never computed; a change of rows that it reads; other code; a change that concerns all alike. */
export const DUE_CAUSES = ['missing', 'touched', 'code', 'whole'] as const;
export type DueCause = (typeof DUE_CAUSES)[number];

/** What a decision about an asset goes by. An asset without partitions counts as one. */
export interface DueFacts {
  readonly current: number;
  readonly causes: Readonly<Record<DueCause, number>>;
  /** Of these, those that automation runs by its rule; or it looks for partitions that are not known yet. */
  readonly wanted: number;
  readonly searches: boolean;
  /** Partitions that a run or a backfill has on its list. */
  readonly listed: number;
  /** Runs that have not ended, with a step of it that chooses by itself. */
  readonly runs: readonly string[];
  /** When it has rested after failures; ISO 8601 UTC, null = it does not rest. */
  readonly restsUntil: string | null;
  /** False while an input does not exist. */
  readonly ready: boolean;
}

/** The part of the port that is about runs. */
export interface RunStore {
  /**
   * Finds what automation is to run now, and stores it as a run before anything starts; all in one transaction. Assets that are
   * live in another run, that rest after failures, or whose window is closed are left out.
   */
  decide(order: DecideOrder): Promise<Decision>;
  /** Stores a run that somebody asked for; the caller starts its workflow, else automation does. */
  planRun(order: PlanOrder): Promise<PlannedRun>;
  /**
   * Computes and publishes a step, and ends it in the transaction that publishes. A step that has ended already answers what it
   * answered then.
   * @throws WalflowError ASSET_FAILED, ASSET_OUTSIDE_WINDOW: nothing has changed, and the step has not ended.
   */
  runStep(order: StepOrder): Promise<StepResult>;
  /** Ends a run with what is left of its steps, or some of these. What has ended stays as it is. */
  endRun(order: RunEndOrder): Promise<void>;
  /** Interrupts what computes for a run in this process. */
  cancelSteps(run: string): void;
  /** Newest first. */
  runs(query: RunQuery): Promise<readonly RunView[]>;
  /** Null = there is no such run. */
  run(id: string): Promise<RunView | null>;
  /** What automation would decide by now. */
  dueFacts(asset: DerivedAsset, nowMs: number): Promise<DueFacts>;
}
