// What runs tell and are told: inputs, results and status of workflows and activities. Everything here crosses Temporal:
// plain JSON, no row values, no secrets, positions as 16 hex digits.

import type { LsnHex } from './lsn.ts';

/** Identity of one activity attempt, written into manifests, ledger and materialization records. */
export interface RunRef {
  readonly workflowId: string;
  readonly runId: string;
  readonly attempt: number;
}

/** What every long-lived workflow of a pipeline is started with. */
export interface PipelineInput {
  readonly pipeline: string;
  /** Name of the warehouse the pipeline is merged into. */
  readonly warehouse: string;
  /** Seconds without a heartbeat after which Temporal gives a streaming or merging activity to another worker. */
  readonly heartbeatTimeoutSeconds: number;
  /** False where the namespace lacks walflow's search attributes. */
  readonly searchAttributes: boolean;
}

export interface PrepareInput {
  readonly pipeline: string;
  /** Tables to copy anew although nothing about them changed. */
  readonly resync: readonly string[];
  /** Start a new epoch: the slot is made again and every table is copied again. */
  readonly newEpoch: boolean;
}

export interface PendingSnapshot {
  readonly table: string;
  readonly id: string;
}

export interface PrepareResult {
  readonly pendingSnapshots: readonly PendingSnapshot[];
  readonly tables: number;
  /** Said once to the user: append-only tables and the like. */
  readonly notices: readonly string[];
}

/** Why a streaming activity ended by itself. */
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
  /** More may be pending: the activity ended because its time was over, or a copy was rejected, or another one was faster. */
  readonly more: boolean;
  /** Tables whose copy cannot be completed exactly and must start again; to be asked for now. */
  readonly resync: readonly string[];
  /** Ids of the copies of all such tables, for the next run: they are not tried again, and not asked for at once again. */
  readonly rejected: readonly string[];
}

export interface MergeInput {
  readonly pipeline: string;
  /** What the run before answered. */
  readonly rejected: readonly string[];
}

export interface SnapshotInput extends PipelineInput {
  readonly table: string;
  readonly id: string;
}

export interface CopyResult {
  readonly tag: 'copied' | 'superseded';
  readonly rows: number;
  readonly chunks: number;
}

export interface AutomationInput {
  readonly project: string;
  readonly warehouse: string;
  readonly heartbeatTimeoutSeconds: number;
  readonly searchAttributes: boolean;
}

/** One materialization that is due: the run key makes it start once. */
export interface DueRun {
  readonly asset: string;
  readonly runKey: string;
}

export interface MaterializeInput {
  readonly asset: string;
  readonly warehouse: string;
  readonly heartbeatTimeoutSeconds: number;
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

/** Answer to the update `mergedUpTo`; not reached = this run of the workflow ends, ask the next one. */
export interface MergedUpTo {
  readonly reached: boolean;
  readonly mergedLsn: LsnHex;
}

export interface SnapshotProgress {
  readonly table: string;
  readonly state: 'copying' | 'done';
  readonly rows: number;
}
