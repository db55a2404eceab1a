// Inputs, results and status of workflows and activities. All of it passes through Temporal: plain JSON, no row values, no
// secrets, positions as 16 hex digits.

import type { PlannedRun, RunEnd } from './asset/run.ts';
import type { StepConclusion } from './asset/step-queue.ts';
import type { LsnHex } from './lsn.ts';

/** Identifies one attempt of an activity, in manifests, in the ledger and in records of materializations. */
export interface RunRef {
  readonly workflowId: string;
  readonly runId: string;
  readonly attempt: number;
}

/** Settings that `walflow deploy` and every starting worker send to running workflows, by signal `configure`. */
export interface RunSettings {
  /** After so many seconds without a heartbeat Temporal gives an activity to another worker. */
  readonly heartbeatTimeoutSeconds: number;
  /** False if the namespace lacks walflow's search attributes. */
  readonly searchAttributes: boolean;
}

/** Until a run gets others. Thirty seconds are longer than any pause of a healthy worker. */
export const DEFAULT_RUN_SETTINGS: RunSettings = { heartbeatTimeoutSeconds: 30, searchAttributes: false };

/** A long-lived workflow is started with names only; settings are here only if an older version started it. */
export interface PipelineInput extends Partial<RunSettings> {
  readonly pipeline: string;
}

/** With what signals have asked for and the previous run did not get to. */
export interface IngestInput extends PipelineInput {
  readonly paused?: boolean;
  /** Tables that need a new snapshot. */
  readonly resync?: readonly string[];
  /** … and of these, those to be read in one transaction. */
  readonly exact?: readonly string[];
  readonly newEpoch?: boolean;
}

export interface PrepareInput {
  readonly pipeline: string;
  /** Tables that get a new snapshot although nothing about them changed. */
  readonly resync: readonly string[];
  /** Of these, the ones to be read in one transaction, because rows moved past the chunks of the snapshot before. */
  readonly exact?: readonly string[];
  /** Begin a new epoch: with a new slot, and a new snapshot of every table. */
  readonly newEpoch: boolean;
  /** Why the new epoch begins, where no person asked for it. */
  readonly because?: string;
}

export interface PendingSnapshot {
  readonly table: string;
  readonly id: string;
}

/** Small tables whose snapshots one run takes. */
export interface PendingGroup {
  readonly group: string;
  readonly tables: readonly PendingSnapshot[];
  /** They began a moment ago: nothing of them can be stored yet. */
  readonly areNew: boolean;
}

export interface PrepareResult {
  readonly pendingSnapshots: readonly PendingSnapshot[];
  /** Absent in histories from before there were groups. */
  readonly pendingGroups?: readonly PendingGroup[];
  readonly tables: number;
  /** For the user: append-only tables and the like. */
  readonly notices: readonly string[];
}

/** Why a streaming activity ended without a failure. */
export type StreamEnd = { readonly tag: 'capture-changed'; readonly tables: readonly string[] };

export interface MergeResult {
  /** Null when nothing was pending. */
  readonly merged: {
    readonly seqFrom: number;
    readonly seqTo: number;
    readonly lsnFrom: LsnHex;
    readonly lsnTo: LsnHex;
    readonly windows: number;
    readonly rows: Readonly<Record<string, number>>;
  } | null;
  /** Where the warehouse stands now, exclusive. */
  readonly mergedLsn: LsnHex;
  /** More may be pending: the activity ended after its time, a snapshot was rejected, or another merge was faster. */
  readonly more: boolean;
  /** Tables whose snapshot cannot be completed exactly: ask for a new one now, read in one transaction. */
  readonly resync: readonly string[];
  /** Ids of such snapshots, for the next run: it does not try them again, and does not ask for a new one at once. */
  readonly rejected: readonly string[];
}

export interface MergeInput {
  readonly pipeline: string;
  /** From the result of the run before. */
  readonly rejected: readonly string[];
}

export interface SnapshotInput extends PipelineInput {
  readonly table: string;
  readonly id: string;
}

/** The input of the activity that takes several. */
export interface SnapshotGroupOrder extends Omit<PendingGroup, 'group'> {
  readonly pipeline: string;
}

export interface SnapshotGroupInput extends PipelineInput, SnapshotGroupOrder {}

export interface SnapshotResult {
  /** `failed`: the rows cannot be stored as they are; the table is paused. */
  readonly tag: 'copied' | 'superseded' | 'failed';
  readonly rows: number;
  readonly chunks: number;
}

export interface AutomationInput extends Partial<RunSettings> {
  readonly project: string;
}

export interface DecideInput {
  /** Windows, each named by its `everyMs`, in which no decision is due yet. */
  readonly closed: readonly number[];
  /** Also settle runs that Temporal has closed, and list those that have not ended. */
  readonly look: boolean;
}

export interface DecideResult {
  /** Null = nothing can start. */
  readonly run: PlannedRun | null;
  /** Windows of assets in the run. */
  readonly decided: readonly number[];
  /** Closed windows with something due. */
  readonly later: readonly number[];
  /** Runs that have not ended: perhaps they never started. */
  readonly live: readonly PlannedRun[];
  /** Ids of such backfills. Absent in histories from before there were any. */
  readonly backfills?: readonly string[];
}

export interface BackfillRef {
  readonly backfill: string;
}

export interface BackfillInput extends BackfillRef, Partial<RunSettings> {}

export interface RunInput extends PlannedRun, Partial<RunSettings> {}

export interface RunResult {
  readonly status: 'succeeded';
  readonly partitions: number;
  readonly rows: number;
}

export interface RunStepInput {
  readonly run: string;
  readonly no: number;
  readonly asset: string;
}

export interface EndRunInput {
  readonly run: string;
  /** Null = only the steps have ended. */
  readonly status: RunEnd | null;
  readonly steps: readonly StepConclusion[];
  /** Assets that may run again now. */
  readonly assets: readonly string[];
}

/** A materialization that is due; the run key makes it start only once. */
export interface DueRun {
  readonly asset: string;
  readonly runKey: string;
  /** Decisions about all assets with this value are at least this far apart. */
  readonly everyMs?: number;
}

export interface MaterializeInput extends Partial<RunSettings> {
  readonly asset: string;
}

export interface MaterializeResult {
  readonly partitions: number;
  readonly rows: number;
  readonly seqTo: number;
  readonly lsnTo: LsnHex;
}

export interface IngestStatus {
  readonly state: 'preparing' | 'streaming' | 'paused' | 'waiting-to-retry';
  /** Message of the last failure, cleared by success. */
  readonly lastFailure: string | null;
  readonly attempts: number;
}

export interface MergeStatus {
  readonly state: 'idle' | 'merging';
  readonly last: MergeResult['merged'];
}

/** Answer to the update `mergedUpTo`. Not reached = this run of the workflow ends: ask the next one. */
export interface MergedUpTo {
  readonly reached: boolean;
  readonly mergedLsn: LsnHex;
}

export interface SnapshotProgress {
  readonly table: string;
  readonly state: 'copying' | 'done';
  readonly rows: number;
}
