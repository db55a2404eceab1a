// A DuckDB file as a warehouse: each method of the port calls the file that implements it.

import type { BackfillTurn } from '../../../workflows/model/asset/backfill.ts';
import type { DerivedAsset, ViewAsset } from '../../../workflows/model/asset/graph.ts';
import type { CheckMark, Materialization } from '../../../workflows/model/asset/record.ts';
import type { PlannedRun } from '../../../workflows/model/asset/run.ts';
import type { Watermark } from '../../../workflows/model/watermark.ts';
import type {
  AssetFigures,
  DueAsset,
  MaterializationQuery,
  MaterializeOrder,
  PartitionQuery,
  PartitionState,
  PublishedStep,
  ViewState,
} from '../asset-order.ts';
import type {
  BackfillDetail,
  BackfillOrder,
  BackfillPlan,
  BackfillStore,
  BackfillView,
  TurnOrder,
} from '../backfill-order.ts';
import type { CheckResult } from '../check-order.ts';
import type { CompareOrder, TableComparison } from '../comparison.ts';
import type { StoredDeclaration } from '../declaration.ts';
import type { FileSource, LakeFile } from '../file-source.ts';
import type { MergeOutcome, MergePlan } from '../merge-plan.ts';
import type { QueryLimits, QueryResult, QueryValue } from '../query.ts';
import type {
  DecideOrder,
  Decision,
  DueFacts,
  PlanOrder,
  RunEndOrder,
  RunQuery,
  RunView,
  StepOrder,
  StepResult,
} from '../run-order.ts';
import type { TickOrder } from '../schedule-order.ts';
import type { LedgerEntry, TableStatus } from '../table-status.ts';
import type { Warehouse } from '../warehouse.ts';
import { declareAssets, dueAssets } from './assets/assets.ts';
import { listChecks } from './assets/check-result.ts';
import { storedDeclarations } from './assets/declaration.ts';
import { KeptAnswer } from './assets/kept-answer.ts';
import { materializeDue } from './assets/materialize.ts';
import { checkPublished } from './assets/published-check.ts';
import { listMaterializations, newestMaterializations } from './assets/records.ts';
import { assetFigures, listPartitions } from './assets/status.ts';
import { Views } from './assets/views.ts';
import {
  backfillPlan,
  listBackfills,
  liveBackfills,
  planBackfill,
  readBackfill,
  setBackfill,
} from './backfills/backfills.ts';
import { backfillTurn } from './backfills/turn.ts';
import type { DuckDbOwner } from './client.ts';
import { compareTable } from './compare.ts';
import { dropDetached } from './detached.ts';
import { foldHistory, foldTouchesWhenMany } from './history.ts';
import { mergeWindow } from './merge/merge.ts';
import { readTables } from './merge/table-state.ts';
import { runQuery } from './query.ts';
import { RowCounter } from './row-counter.ts';
import { decide } from './runs/decide.ts';
import { dueFacts } from './runs/due-facts.ts';
import { runStep } from './runs/run-step.ts';
import { RunningSteps } from './runs/running-steps.ts';
import { endRun, listRuns, planRun, readRun } from './runs/runs.ts';
import { planTick, readHandledTimes } from './runs/tick.ts';
import { readLedger } from './status.ts';
import { readWatermark } from './watermark.ts';

/** How many rows the ledger may grow by before old ones are folded; the first time after the first merge. */
const MERGES_A_FOLD = 1_000;
/** How many merges may pass before it is looked how much they have touched. */
const MERGES_A_LOOK = 50;

export class DuckDbWarehouse implements Warehouse {
  readonly #owner: DuckDbOwner;
  readonly #counter = new RowCounter();
  readonly #views: Views;
  readonly #running = new RunningSteps();
  readonly #due = new KeptAnswer<readonly DueAsset[]>();
  readonly #newest = new KeptAnswer<ReadonlyMap<string, Materialization>>();
  readonly #figures = new KeptAnswer<ReadonlyMap<string, AssetFigures>>();
  readonly #checks = new KeptAnswer<readonly CheckResult[]>();
  #mergesSinceFold = MERGES_A_FOLD;
  #touches = 0;

  constructor(owner: DuckDbOwner) {
    this.#owner = owner;
    this.#views = new Views(owner);
  }

  async watermark(pipeline: string): Promise<Watermark> {
    return await this.#owner.use((session) => readWatermark(session, pipeline));
  }

  async tables(pipeline: string, table?: string): Promise<readonly TableStatus[]> {
    return await this.#owner.use((session) => readTables(session, pipeline, table));
  }

  async rowCounts(pipeline: string): Promise<ReadonlyMap<string, number>> {
    return await this.#owner.use((session) => this.#counter.read(session, pipeline));
  }

  async ledger(pipeline: string, limit: number): Promise<readonly LedgerEntry[]> {
    return await this.#owner.use((session) => readLedger(session, pipeline, limit));
  }

  async merge(plan: MergePlan, source: FileSource): Promise<MergeOutcome> {
    try {
      const outcome = await mergeWindow(this.#owner, plan, source);
      if (movesTables(plan) || this.#views.isBehind) await this.#views.settle();
      return outcome;
    } finally {
      this.#counter.changed(plan);
      this.#noteChange();
    }
  }

  async prefetch(files: readonly LakeFile[], source: FileSource): Promise<void> {
    await Promise.allSettled(files.map((file) => source.local(file)));
  }

  get nextMerge(): Promise<void> {
    return this.#owner.nextMerge;
  }

  async dropDetached(pipeline: string, table?: string): Promise<readonly string[]> {
    try {
      const dropped = await dropDetached(this.#owner, pipeline, table);
      await this.#views.settle();
      return dropped;
    } finally {
      this.#noteChange();
    }
  }

  async tidyBetweenMerges(): Promise<void> {
    this.#mergesSinceFold += 1;
    if (this.#mergesSinceFold > MERGES_A_FOLD) {
      this.#mergesSinceFold = 0;
      await foldHistory(this.#owner);
    } else if (this.#mergesSinceFold % MERGES_A_LOOK === 0) {
      this.#touches = await foldTouchesWhenMany(this.#owner, this.#touches);
    }
    await this.#owner.checkpointWhenDue(performance.now());
  }

  async tidyWhileIdle(): Promise<void> {
    await this.#owner.checkpoint();
  }

  async declareAssets(assets: readonly DerivedAsset[], nowIso: string): Promise<void> {
    await declareAssets(this.#owner, assets, nowIso);
    this.#noteChange();
  }

  async declareViews(views: readonly ViewAsset[]): Promise<void> {
    await this.#views.declare(views);
    this.#noteChange();
  }

  async declarations(): Promise<readonly StoredDeclaration[]> {
    return await this.#owner.use(storedDeclarations);
  }

  async viewStates(): Promise<ReadonlyMap<string, ViewState>> {
    return this.#views.states;
  }

  async dueAssets(assets: readonly DerivedAsset[]): Promise<readonly DueAsset[]> {
    return await this.#due.get(keysOf(assets), () => dueAssets(this.#owner, assets));
  }

  async materialize(order: MaterializeOrder): Promise<PublishedStep> {
    try {
      const step = await materializeDue(this.#owner, order);
      if (step.records.length > 0) await this.#views.settle();
      return step;
    } finally {
      this.#noteChange();
    }
  }

  async checkPublished(order: MaterializeOrder): Promise<readonly CheckMark[]> {
    try {
      return await checkPublished(this.#owner, order);
    } finally {
      // Records say what did not pass.
      this.#noteChange();
    }
  }

  async checks(assets: readonly DerivedAsset[]): Promise<readonly CheckResult[]> {
    return await this.#checks.get(keysOf(assets), () => listChecks(this.#owner, assets));
  }

  async decide(order: DecideOrder): Promise<Decision> {
    return await decide(this.#owner, order);
  }

  async planRun(order: PlanOrder): Promise<PlannedRun> {
    return await planRun(this.#owner, order);
  }

  async runStep(order: StepOrder): Promise<StepResult> {
    try {
      const result = await runStep(this.#owner, this.#running, order);
      // Before the next step of the run, which may read a view over what this one has made.
      if (result.records.length > 0) await this.#views.settle();
      return result;
    } finally {
      this.#noteChange();
    }
  }

  async endRun(order: RunEndOrder): Promise<void> {
    await endRun(this.#owner, this.#running, order);
  }

  cancelSteps(run: string): void {
    this.#running.cancel(run);
  }

  async dueFacts(asset: DerivedAsset, nowMs: number): Promise<DueFacts> {
    return await dueFacts(this.#owner, asset, nowMs);
  }

  async runs(query: RunQuery): Promise<readonly RunView[]> {
    return await listRuns(this.#owner, this.#running, query);
  }

  async run(id: string): Promise<RunView | null> {
    return await readRun(this.#owner, this.#running, id);
  }

  async planTick(order: TickOrder): Promise<PlannedRun | null> {
    return await planTick(this.#owner, order);
  }

  async handledTimes(): Promise<ReadonlyMap<string, string>> {
    return await readHandledTimes(this.#owner);
  }

  async backfillPlan(order: BackfillOrder): Promise<BackfillPlan> {
    return await backfillPlan(this.#owner, order);
  }

  async planBackfill(order: BackfillOrder): Promise<string | null> {
    return await planBackfill(this.#owner, order);
  }

  async backfillTurn(order: TurnOrder): Promise<BackfillTurn> {
    return await backfillTurn(this.#owner, order);
  }

  async setBackfill(...[id, status, nowMs]: Parameters<BackfillStore['setBackfill']>) {
    return await setBackfill(this.#owner, id, status, nowMs);
  }

  async backfills(limit: number): Promise<readonly BackfillView[]> {
    return await listBackfills(this.#owner, limit);
  }

  async backfill(id: string): Promise<BackfillDetail | null> {
    return await readBackfill(this.#owner, id);
  }

  async liveBackfills(): Promise<readonly string[]> {
    return await liveBackfills(this.#owner);
  }

  async materializations(asset: string, query: MaterializationQuery): Promise<readonly Materialization[]> {
    return await listMaterializations(this.#owner, asset, query);
  }

  async newestMaterializations(): Promise<ReadonlyMap<string, Materialization>> {
    return await this.#newest.get('', () => newestMaterializations(this.#owner));
  }

  async partitions(asset: DerivedAsset, query: PartitionQuery): Promise<readonly PartitionState[]> {
    return await listPartitions(this.#owner, asset, query);
  }

  async assetFigures(assets: readonly DerivedAsset[]): Promise<ReadonlyMap<string, AssetFigures>> {
    return await this.#figures.get(keysOf(assets), () => assetFigures(this.#owner, assets));
  }

  async query(sql: string, parameters: readonly QueryValue[], limits: QueryLimits): Promise<QueryResult> {
    return await runQuery(this.#owner, sql, parameters, limits);
  }

  async compare(order: CompareOrder): Promise<TableComparison> {
    return await compareTable(this.#owner, order);
  }

  get invalidated(): Promise<never> {
    return this.#owner.invalidated;
  }

  async close(): Promise<void> {
    await this.#owner.close();
  }

  /** After everything that can change which assets are due. */
  #noteChange(): void {
    this.#due.forget();
    this.#newest.forget();
    this.#figures.forget();
    this.#checks.forget();
  }
}

/** Tables come, change their columns, or go. */
const movesTables = ({ begins, loads, removes }: MergePlan) => begins.length + loads.length + removes.length > 0;

/** What is asked about; how these assets are defined only changes with `declareAssets`. */
const keysOf = (assets: readonly DerivedAsset[]) => assets.map(({ key }) => key).join('\n');
