// Station 9 on a row's way, the warehouse: this port is all that activities and workers know of it. Each engine implements it
// in a folder of its own. Its failures are `WalflowError`s without values of cells.

import type { DerivedAsset, ViewAsset } from '../../workflows/model/asset/graph.ts';
import type { CheckMark, Materialization } from '../../workflows/model/asset/record.ts';
import type { Watermark } from '../../workflows/model/watermark.ts';
import type {
  AssetFigures,
  DueAsset,
  MaterializationQuery,
  MaterializeOrder,
  PartitionQuery,
  PartitionState,
  PublishedStep,
  ViewState,
} from './asset-order.ts';
import type { BackfillStore } from './backfill-order.ts';
import type { CheckResult } from './check-order.ts';
import type { CompareOrder, TableComparison } from './comparison.ts';
import type { StoredDeclaration } from './declaration.ts';
import type { FileSource, LakeFile } from './file-source.ts';
import type { MergeOutcome, MergePlan } from './merge-plan.ts';
import type { QueryLimits, QueryResult, QueryValue } from './query.ts';
import type { RunStore } from './run-order.ts';
import type { ScheduleStore } from './schedule-order.ts';
import type { LedgerEntry, TableStatus } from './table-status.ts';

export interface Warehouse extends RunStore, ScheduleStore, BackfillStore {
  /** Where a pipeline stands; `NOTHING_MERGED` for one that this warehouse does not know. */
  watermark(pipeline: string): Promise<Watermark>;
  /** The captured tables of a pipeline, or one of them, by name. */
  tables(pipeline: string, table?: string): Promise<readonly TableStatus[]>;
  /** Number of rows of every captured table of a pipeline, by table id. */
  rowCounts(pipeline: string): Promise<ReadonlyMap<string, number>>;
  /** The last merged windows that changed rows, newest first. */
  ledger(pipeline: string, limit: number): Promise<readonly LedgerEntry[]>;

  /**
   * Merges one window in one transaction: all its tables change together, or none. At or below the watermark nothing changes
   * (`already-merged`). A table whose data cannot be read or merged is paused and named in the outcome; the others go on.
   * @throws WalflowError WATERMARK_MOVED, WAREHOUSE_DISK_FULL, WAREHOUSE_FAILED, and WAREHOUSE_OUT_OF_MEMORY for a window of
   * several manifests: nothing was merged.
   */
  merge(plan: MergePlan, source: FileSource): Promise<MergeOutcome>;
  /**
   * Resolves when a merge need not wait for these files. Only a hint: an engine that reads the lake by itself does nothing.
   * Never rejects: if something is wrong with a file, the merge finds out.
   */
  prefetch(files: readonly LakeFile[], source: FileSource): Promise<void>;
  /** Resolves when another window is merged, of any pipeline. Take it before reading a watermark. */
  readonly nextMerge: Promise<void>;
  /**
   * Drops the tables that a pipeline no longer captures, or one of them: their rows are gone.
   * @returns their ids; none if nothing is detached.
   */
  dropDetached(pipeline: string, table?: string): Promise<readonly string[]>;
  /** Housekeeping that cannot wait until the engine is idle. Called between two merges. */
  tidyBetweenMerges(): Promise<void>;
  /** Housekeeping while no merge is waiting. */
  tidyWhileIdle(): Promise<void>;

  /**
   * Declares the assets of the configuration. One whose code changed is stale, a new one is missing. One that is no longer
   * declared is never due again, but its table stays.
   */
  declareAssets(assets: readonly DerivedAsset[], nowIso: string): Promise<void>;
  /**
   * Declares the views of the configuration, after the assets and in their order. Each is made when what it reads exists, and
   * dropped when it is not declared any more. What reads a view is not ready until it is made.
   */
  declareViews(views: readonly ViewAsset[]): Promise<void>;
  /** Assets and views as they were declared last, by key. */
  declarations(): Promise<readonly StoredDeclaration[]>;
  /** Of the declared views, by key. */
  viewStates(): Promise<ReadonlyMap<string, ViewState>>;
  /** Those of the assets with something to recompute whose inputs all exist. */
  dueAssets(assets: readonly DerivedAsset[]): Promise<readonly DueAsset[]>;
  /**
   * Computes what is due of an asset in one read transaction, then publishes it with its records in one transaction. What
   * changes in between stays due; older rows never replace newer ones. A run publishes each partition once. Partitions that break
   * a blocking check are left out.
   * @throws WalflowError ASSET_FAILED, ASSET_OUTSIDE_WINDOW, ASSET_CHECK_FAILED if the SQL of a blocking check fails: nothing has
   * changed, and it is still due.
   */
  materialize(order: MaterializeOrder): Promise<PublishedStep>;
  /**
   * Runs the checks that are not blocking and have not seen the newest publish, and notes in the run's records which did not pass.
   * @returns those.
   */
  checkPublished(order: MaterializeOrder): Promise<readonly CheckMark[]>;
  /** What the checks of the assets found last, in the order of their definitions. */
  checks(assets: readonly DerivedAsset[]): Promise<readonly CheckResult[]>;
  /** The records of an asset, newest first. */
  materializations(asset: string, query: MaterializationQuery): Promise<readonly Materialization[]>;
  /** The newest record of each asset that has one, by key. */
  newestMaterializations(): Promise<ReadonlyMap<string, Materialization>>;
  /** The known partitions of an asset, by key; none of an asset without partitions. */
  partitions(asset: DerivedAsset, query: PartitionQuery): Promise<readonly PartitionState[]>;
  /** By key. */
  assetFigures(assets: readonly DerivedAsset[]): Promise<ReadonlyMap<string, AssetFigures>>;

  /**
   * Runs one SELECT, in the engine's own SQL; merges never wait for it.
   * @param parameters for `$1`, `$2`, … or `?`: null, boolean, number, text
   * @throws WalflowError QUERY_NOT_READ_ONLY, QUERY_FORBIDDEN, QUERY_INVALID, QUERY_TIMEOUT, QUERY_TOO_LARGE
   */
  query(sql: string, parameters: readonly QueryValue[], limits: QueryLimits): Promise<QueryResult>;
  /** Compares a table by value with rows printed by its source; merges go on meanwhile. */
  compare(order: CompareOrder): Promise<TableComparison>;

  /** Rejects when the engine has given up the open warehouse (WAREHOUSE_INVALIDATED): only a new process can open it again. */
  readonly invalidated: Promise<never>;
  /** Waits for a running merge and materialization, then closes the warehouse. */
  close(): Promise<void>;
}
