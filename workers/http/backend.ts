// The answers of the HTTP API, and the backend it gets them from. The API validates, guards and formats; an implementation
// of `ApiBackend` knows warehouse, lake and Temporal. LSNs are 16 hex digits, times ISO 8601 in UTC, ages in seconds.

import type { MaterializationQuery, PartitionQuery, PartitionState } from '../../activities/warehouse/asset-order.ts';
import type { BackfillDetail, BackfillPlan, BackfillView } from '../../activities/warehouse/backfill-order.ts';
import type { CheckResult } from '../../activities/warehouse/check-order.ts';
import type { RowDifference } from '../../activities/warehouse/comparison.ts';
import type { StoredDeclaration } from '../../activities/warehouse/declaration.ts';
import type { QueryResult, QueryValue } from '../../activities/warehouse/query.ts';
import type { DueFacts, RunQuery, RunView } from '../../activities/warehouse/run-order.ts';
import type { TableState } from '../../activities/warehouse/table-status.ts';
import type { BackfillOnly } from '../../workflows/model/asset/backfill.ts';
import type { Column } from '../../workflows/model/asset/contract.ts';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import type { Lsn, LsnHex } from '../../workflows/model/lsn.ts';
import type { RunRef } from '../../workflows/model/run.ts';

export interface SlotStatus {
  readonly name: string;
  readonly active: boolean;
  /** pg_replication_slots.wal_status: reserved, extended, unreserved, lost. */
  readonly walStatus: string;
  /** WAL head − confirmed_flush_lsn. */
  readonly lagBytes: number;
  /** WAL head − restart_lsn: what the source keeps on disk for this slot. */
  readonly retainedBytes: number;
  /** max_slot_wal_keep_size, if the source sets one. */
  readonly budgetBytes?: number;
}

export interface TableStatus {
  readonly table: string;
  readonly state: TableState;
  /** When it came into this state. */
  readonly since: string;
  readonly reason?: string;
  readonly rows: number;
  /** Null until the table has been readable. */
  readonly freshnessAgeSeconds: number | null;
}

/** One merged window, newest first in a list. */
export interface MergeSummary extends RunRef {
  readonly mergedAt: string;
  readonly seqFrom: number;
  readonly seqTo: number;
  readonly lsnTo: LsnHex;
  readonly rows: number;
}

/** Commit in the source → readable in the warehouse, over the last minute. */
export interface LatencySummary {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface PipelineStatus {
  readonly name: string;
  /** State of `ingest/<pipeline>`, or `down` when no worker answers. */
  readonly state: string;
  readonly reason?: string;
  /** Null while the source does not answer. */
  readonly slot: SlotStatus | null;
  /** End of the manifest log. */
  readonly durableLsn: LsnHex;
  readonly mergedLsn: LsnHex;
  /** Last merged manifest. */
  readonly seq: number;
  readonly pendingManifests?: number;
  readonly commitToQueryable?: LatencySummary;
  readonly lastMerges?: readonly MergeSummary[];
  readonly tables: readonly TableStatus[];
}

export type FreshnessState = 'PASS' | 'WARN' | 'FAIL' | 'UNKNOWN';

/** Of the partitions that were computed, or that a change touched. */
export interface PartitionCounts {
  readonly total: number;
  readonly current: number;
  readonly missing: number;
  readonly stale: number;
}

/**
 * missing = never made, its first snapshot is being loaded, or what a view reads does not exist yet · stale = an input or the
 * code changed since · failed = a captured table that is paused, or a view whose SQL is wrong · detached = a table that is no longer captured.
 */
export type AssetState = 'current' | 'stale' | 'missing' | 'failed' | 'detached';

export interface AssetStatus {
  readonly key: string;
  readonly kind: 'captured' | 'derived' | 'view' | 'seed';
  readonly status: AssetState;
  /** Why a view failed. */
  readonly reason?: string;
  readonly deps: readonly string[];
  readonly group?: string;
  readonly description?: string;
  readonly owners?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  /** Of a captured table. */
  readonly pipeline?: string;
  readonly freshness: { readonly state: FreshnessState; readonly ageSeconds: number | null };
  readonly partitions?: PartitionCounts;
  /** That it promises. */
  readonly columns?: readonly Column[];
  readonly checks: readonly Pick<CheckResult, 'name' | 'state' | 'severity'>[];
  readonly lastMaterialization?: Materialization;
}

/** Assets and what they read of each other. */
export interface GraphView {
  readonly nodes: readonly Pick<AssetStatus, 'key' | 'kind' | 'status' | 'group'>[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** What a changed row of `from` makes due: `whole`, or the partitions of a column. */
  readonly mapping: string;
}

export interface TableVerification {
  readonly table: string;
  readonly result: 'equal' | 'differs' | 'not-comparable';
  /** Why the table could not be compared, or why it differs. */
  readonly reason?: string;
  readonly rowsSource: number;
  readonly rowsWarehouse: number;
  readonly keyColumns: readonly string[];
  /** The first few; `differingCount` counts all. */
  readonly differing: readonly RowDifference[];
  readonly differingCount: number;
}

export interface VerifyReport {
  readonly pipeline: string;
  /** `differs` before `not-comparable`: a table that could not be compared must not hide a difference. */
  readonly result: 'equal' | 'differs' | 'not-comparable';
  /** Watermark of the last comparison. */
  readonly mergedLsn: LsnHex;
  readonly tables: readonly TableVerification[];
}

export interface WaitRequest {
  readonly lsn: Lsn;
  /** Null = every table that is captured. */
  readonly tables: readonly string[] | null;
  readonly timeoutMs: number;
}

export interface WaitResult {
  /** Everything committed before the position can be read, in all given tables. */
  readonly reached: boolean;
  readonly mergedLsn: LsnHex;
  /** Those of the given tables that are loading, paused, or not known. */
  readonly notLive: readonly string[];
}

/** The run that took a request. */
export interface RunHandle {
  readonly workflowId: string;
  readonly runId: string;
}

export interface DroppedTables {
  /** Their rows are gone from the warehouse. */
  readonly dropped: readonly string[];
}

/** What keeps an asset that is due from being computed. */
export type Waiting =
  /** Something that it reads does not exist yet. */
  | { readonly tag: 'inputs' }
  | { readonly tag: 'no-automation' }
  /** A run of it has not ended. */
  | { readonly tag: 'run'; readonly run: string }
  /** So many partitions are left to a backfill, or to a run that names them. */
  | { readonly tag: 'listed'; readonly partitions: number }
  /** It rests after failures. */
  | { readonly tag: 'rest'; readonly until: string }
  /** By its rule automation does not run so many partitions: somebody has to ask for them. */
  | { readonly tag: 'asked'; readonly partitions: number };

export interface AssetWhy extends Pick<DueFacts, 'current' | 'causes' | 'wanted' | 'searches'> {
  readonly asset: string;
  readonly waitsFor: readonly Waiting[];
}

export interface RunRequest {
  readonly select: string;
  readonly partition?: string | undefined;
  /** Keys by time, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export type RetryFrom = 'failure' | 'all';

export interface RunStatusView extends RunView {
  readonly workflowId: string;
  /** Of one run only, while Temporal knows it. */
  readonly runId?: string;
}

export interface ScheduleStatus {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  /** The selection. */
  readonly materialize: string;
  /** missing = it is not deployed. */
  readonly state: 'active' | 'paused' | 'missing';
  /** Why it is paused, if somebody said so. */
  readonly note?: string;
  /** When Temporal fires next, paused or not. */
  readonly nextAt: string | null;
  /** For which time it fired last, or when it was triggered. */
  readonly lastAt: string | null;
  /** The last nominal time whose partitions were given to a run. */
  readonly handledAt: string | null;
  /** The Temporal Schedule. */
  readonly scheduleId: string;
}

export const SCHEDULE_OPERATIONS = ['pause', 'resume', 'trigger'] as const;
export type ScheduleOperation = (typeof SCHEDULE_OPERATIONS)[number];
export interface BackfillRequest {
  readonly select: string;
  /** Keys by time, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly only?: BackfillOnly | undefined;
  /** Partitions of one run. */
  readonly chunk?: number | undefined;
  /** Only say what would be computed. */
  readonly dryRun: boolean;
}

export interface StartedBackfill extends BackfillPlan {
  /** Null = nothing was started. */
  readonly id: string | null;
}

export type BackfillControl = 'pause' | 'resume' | 'cancel';

/** Methods throw WalflowError; failure.ts has the status of each code. */
export interface ApiBackend {
  pipelines(): Promise<readonly PipelineStatus[]>;
  /** Every asset, or the selected ones. @throws WalflowError SELECTION_INVALID, ASSET_UNKNOWN */
  assets(selection?: string): Promise<readonly AssetStatus[]>;
  /** As `assets`, with the edges between them. */
  graph(selection?: string): Promise<GraphView>;
  asset(key: string): Promise<AssetStatus>;
  /** What the checks of every asset, or of the selected ones, found last. */
  checks(selection?: string): Promise<readonly CheckResult[]>;
  checksOf(key: string): Promise<readonly CheckResult[]>;
  /** Assets and views as they were declared last, by key. */
  declarations(): Promise<readonly StoredDeclaration[]>;
  /** The known partitions of a derived asset, by key. */
  partitions(key: string, query: PartitionQuery): Promise<readonly PartitionState[]>;
  /** Newest first, at most `limit`. */
  materializations(key: string, query: MaterializationQuery): Promise<readonly Materialization[]>;
  /** Runs read-only SQL; the signal aborts when the client hangs up. */
  query(sql: string, params: readonly QueryValue[], signal: AbortSignal): Promise<QueryResult>;
  /** Resolves once everything committed before the position is queryable, or after `timeoutMs`. */
  wait(pipeline: string, request: WaitRequest, signal: AbortSignal): Promise<WaitResult>;
  verify(pipeline: string, table: string | undefined, signal: AbortSignal): Promise<VerifyReport>;
  pausePipeline(pipeline: string): Promise<RunHandle>;
  resumePipeline(pipeline: string): Promise<RunHandle>;
  /** Takes a new snapshot of one captured table. @throws WalflowError TABLE_UNKNOWN */
  resyncTable(pipeline: string, table: string): Promise<RunHandle>;
  /** Drops tables that are no longer captured, all or one. @throws WalflowError TABLE_UNKNOWN */
  dropDetached(pipeline: string, table: string | undefined): Promise<DroppedTables>;
  /** Of a derived asset: why it is due, and what it waits for. @throws WalflowError ASSET_UNKNOWN */
  why(key: string): Promise<AssetWhy>;
  /** Newest first. */
  runs(query: RunQuery): Promise<readonly RunStatusView[]>;
  /** @throws WalflowError RUN_UNKNOWN */
  run(id: string): Promise<RunStatusView>;
  /** @throws WalflowError SELECTION_INVALID, ASSET_UNKNOWN, RUN_INVALID */
  startRun(request: RunRequest): Promise<RunStatusView>;
  /** @throws WalflowError RUN_UNKNOWN */
  cancelRun(id: string): Promise<RunStatusView>;
  /** Answers the new run. @throws WalflowError RUN_UNKNOWN, RUN_INVALID */
  retryRun(id: string, from: RetryFrom): Promise<RunStatusView>;
  schedules(): Promise<readonly ScheduleStatus[]>;
  /** @throws WalflowError SCHEDULE_UNKNOWN, SCHEDULE_NOT_DEPLOYED */
  operateSchedule(name: string, operation: ScheduleOperation): Promise<ScheduleStatus>;
  /** Computes many partitions in the background. @throws WalflowError SELECTION_INVALID, ASSET_UNKNOWN, BACKFILL_INVALID */
  startBackfill(request: BackfillRequest): Promise<StartedBackfill>;
  /** Newest first. */
  backfills(): Promise<readonly BackfillView[]>;
  /** @throws WalflowError BACKFILL_UNKNOWN */
  backfill(id: string): Promise<BackfillDetail>;
  /** @throws WalflowError BACKFILL_UNKNOWN */
  controlBackfill(id: string, control: BackfillControl): Promise<BackfillDetail>;
  /** Null when everything that this process needs answers, else what does not. */
  notReady(): Promise<string | null>;
}
