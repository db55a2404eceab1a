// One merge activity's view of the warehouse: its watermark, which tables are live or loading, and how a window becomes a
// plan. Invariant: a plan names the watermark it was made from, and the warehouse merges it only if that is still so.

import { join } from 'node:path';
import { microsFromIso } from '../../workflows/model/commit-time.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { CaptureEntry, Manifest, StoredManifest } from '../../workflows/model/manifest.ts';
import type { MergeResult, RunRef } from '../../workflows/model/run.ts';
import { NOTHING_MERGED, type Watermark } from '../../workflows/model/watermark.ts';
import type { PipelineResources, WarehouseResources } from '../resources.ts';
import { type MergeOutcome, type MergePlan, placed, type TablePauseOrder } from '../warehouse/merge-plan.ts';
import { FLOWING, type TableState, type TableStatus } from '../warehouse/table-status.ts';
import { changesOf, filesIn, filesOf, type PendingWindow } from './pending-window.ts';
import { SnapshotLoads } from './snapshot-loads.ts';
import { Spool } from './spool.ts';
import { MergeTally } from './tally.ts';
import { WindowReader } from './window-reader.ts';

export class MergeSession {
  readonly tally = new MergeTally();
  readonly #resources: WarehouseResources;
  readonly #pipeline: PipelineResources;
  readonly #run: RunRef;
  readonly #reader: WindowReader;
  readonly #spool: Spool;
  readonly #loads: SnapshotLoads;
  #watermark: Watermark = NOTHING_MERGED;
  #tables: ReadonlyMap<string, TableStatus> = new Map();

  constructor(resources: WarehouseResources, pipeline: PipelineResources, run: RunRef) {
    this.#resources = resources;
    this.#pipeline = pipeline;
    this.#run = run;
    this.#spool = new Spool(pipeline.lake, join(resources.spoolFolder, pipeline.name));
    this.#reader = new WindowReader(pipeline.lake, pipeline.merge, (manifest) => this.#spool.take(manifest));
    this.#loads = new SnapshotLoads(pipeline.lake);
  }

  get pace(): PipelineResources['merge'] {
    return this.#pipeline.merge;
  }

  /**
   * Reads where the warehouse stands, and checks that the manifest log is the one it merged.
   * @param rejected ids of snapshots that an earlier run could not complete.
   */
  async start(rejected: readonly string[]): Promise<void> {
    await this.#spool.empty();
    await this.#refresh();
    for (const entry of this.#inState('loading')) if (rejected.includes(entry.snapshot.id)) this.#reject(entry, false);
    await this.#reader.start(this.#watermark);
  }

  /** The next window, whose files are fetched ahead; null while nothing is pending. */
  async next(): Promise<PendingWindow | null> {
    const window = await this.#reader.next();
    // Files of a table that becomes live only now are fetched by the merge itself.
    const files = window === null ? [] : this.#inState(...FLOWING).flatMap((entry) => filesOf(window, entry));
    if (files.length > 0) await this.#resources.warehouse.prefetch(files, this.#spool);
    return window;
  }

  /** Merges one window in one transaction; false when another merge was faster, so that this session's view is outdated. */
  async merge(window: PendingWindow): Promise<boolean> {
    const first = window[0];
    const last = window.at(-1);
    if (first === undefined || last === undefined) return true;
    // The reader has checked the chain of manifests; this is its first link, to what is already merged.
    if (first.manifest.seq !== this.#watermark.seq + 1) return false;
    const merged = await this.#applyAll(window, watermarkOf(last, this.#watermark));
    await this.#spool.release(filesIn(window));
    await this.#resources.warehouse.tidyBetweenMerges();
    return merged;
  }

  /** Makes tables live whose snapshot became complete while nothing else was pending; false when there are none. */
  async loadOnly(): Promise<boolean> {
    const loading = this.#inState('loading');
    if (loading.length === 0 || this.#watermark.seq === 0) return false;
    const ready = await this.#loads.ready(loading, this.#watermark.endLsn, performance.now());
    if (ready.length === 0) return false;
    return await this.#apply([], this.#watermark);
  }

  result(more: boolean): MergeResult {
    return this.tally.result(this.#watermark.endLsn, more);
  }

  /** Lets the warehouse tidy up, if anything was merged. */
  async tidy(): Promise<void> {
    if (this.tally.progress().windows > 0) await this.#resources.warehouse.tidyWhileIdle();
  }

  /** What is too large for the warehouse's memory is merged manifest by manifest: smaller steps there are not. */
  async #applyAll(window: PendingWindow, next: Watermark): Promise<boolean> {
    try {
      return await this.#apply(window, next);
    } catch (failure) {
      const tooLarge = failure instanceof WalflowError && failure.code === 'WAREHOUSE_OUT_OF_MEMORY';
      if (!tooLarge || window.length === 1) throw failure;
    }
    for (const stored of window) {
      if (!(await this.#apply([stored], watermarkOf(stored, this.#watermark)))) return false;
    }
    return true;
  }

  async #apply(window: PendingWindow, next: Watermark): Promise<boolean> {
    const { resources, pipeline } = { resources: this.#resources, pipeline: this.#pipeline };
    const plan = await this.#plan(window, next);
    const outcome = await resources.warehouse.merge(plan, this.#spool);
    if (outcome.tag === 'already-merged') {
      resources.log.info({ pipeline: pipeline.name, seq: next.seq }, 'the window was already merged');
      return false;
    }
    this.#watermark = next;
    this.#note(window, plan, outcome);
    await this.#spool.release(plan.loads.flatMap((load) => [...load.chunks, ...load.files]));
    const moved = plan.begins.length + plan.pauses.length + plan.removes.length + plan.loads.length > 0;
    if (moved || outcome.paused.length > 0) await this.#refresh();
    return true;
  }

  async #plan(window: PendingWindow, next: Watermark): Promise<MergePlan> {
    const capture = captureOf(window);
    const begins = capture === null ? [] : this.#begins(capture);
    const removes = capture === null ? [] : this.#removed(capture);
    const leaving = new Set([...begins.map((entry) => entry.table), ...removes]);
    const staying = this.#inState(...FLOWING).filter((entry) => !leaving.has(entry.table));
    const pauses = (capture ?? []).flatMap((entry) => this.#pauseOf(entry));
    const held = new Set([...begins.map((entry) => entry.table), ...pauses.map((order) => order.table)]);
    const flowing = staying.filter((entry) => !held.has(entry.table));
    const loading = [...this.#inState('loading').filter((entry) => !held.has(entry.table)), ...begins].filter(
      (entry) => !removes.includes(entry.table),
    );
    const ready = await this.#loads.ready(loading, next.endLsn, performance.now());
    const { loads, damaged } = await this.#loads.plans(ready, this.#watermark.seq + 1, window);
    return {
      pipeline: this.#pipeline.name,
      expected: this.#watermark,
      next,
      run: this.#run,
      flowing: this.#inState(...FLOWING).map((entry) => entry.table),
      tables: flowing.flatMap((entry) => changesOf(window, entry) ?? []),
      loads,
      begins: begins.map(placed),
      pauses: [...pauses, ...damaged],
      removes,
      readers: this.#resources.graph.readersOfPipeline(this.#pipeline.name),
      nowIso: new Date().toISOString(),
    };
  }

  #begins(capture: readonly CaptureEntry[]): CaptureEntry[] {
    return capture.filter((entry) => {
      const known = this.#tables.get(entry.table);
      return known?.state === 'detached' || known?.entry.snapshot.id !== entry.snapshot.id;
    });
  }

  #pauseOf(entry: CaptureEntry): TablePauseOrder[] {
    const known = this.#tables.get(entry.table);
    if (entry.paused === undefined || known?.state === 'paused') return [];
    return [{ table: entry.table, code: entry.paused.code, reason: entry.paused.reason }];
  }

  #removed(capture: readonly CaptureEntry[]): string[] {
    const captured = new Set(capture.map((entry) => entry.table));
    const known = [...this.#tables.values()].filter(({ state }) => state !== 'detached');
    return known.map(({ table }) => table).filter((table) => !captured.has(table));
  }

  #note(window: PendingWindow, plan: MergePlan, outcome: Extract<MergeOutcome, { tag: 'merged' }>): void {
    const { telemetry, doorbell, log } = this.#resources;
    const rows: Record<string, number> = {};
    let total = 0;
    for (const [table, count] of Object.entries(outcome.rows)) {
      rows[table] = count.inserts + count.updates + count.deletes + count.loaded;
      total += rows[table];
    }
    this.tally.add(window, rows);
    for (const { entry } of plan.begins) this.tally.beganAgain(entry.table);
    for (const load of plan.loads) {
      if (outcome.unresolved.includes(load.entry.table)) this.#reject(load.entry, true);
    }
    const commitTimesMs = window.flatMap(({ manifest }) => commitTimes(manifest));
    telemetry.merged(this.#pipeline.name, { rows: total, commitTimesMs, nowMs: Date.now() });
    for (const order of [...plan.pauses, ...outcome.paused]) {
      log.warn({ pipeline: this.#pipeline.name, table: order.table, code: order.code }, order.reason);
    }
    doorbell.changed(outcome.touchedAssets);
  }

  #reject(entry: CaptureEntry, isNew: boolean): void {
    this.tally.reject(entry.table, entry.snapshot.id, isNew);
    this.#loads.reject(entry);
  }

  #inState(...states: readonly TableState[]): CaptureEntry[] {
    return [...this.#tables.values()].filter(({ state }) => states.includes(state)).map(({ entry }) => entry);
  }

  async #refresh(): Promise<void> {
    const { warehouse } = this.#resources;
    const { name } = this.#pipeline;
    // In this order: if the tables are newer than the watermark, the plan is refused; if older, it could be wrong.
    this.#watermark = await warehouse.watermark(name);
    const tables = await warehouse.tables(name);
    this.#tables = new Map(tables.map((table) => [table.table, table]));
  }
}

/** A manifest that changes what is captured begins a window, so only the first one can. */
function captureOf(manifests: readonly StoredManifest[]): readonly CaptureEntry[] | null {
  return manifests[0]?.manifest.capture ?? null;
}

function watermarkOf(last: StoredManifest, before: Watermark): Watermark {
  const { epochNo, seq, endLsn, effectiveTime } = last.manifest;
  return { epochNo, seq, manifestHash: last.hash, endLsn, effectiveTime: effectiveTime ?? before.effectiveTime };
}

/** First and last commit of a batch, in milliseconds: for how long its slowest and its fastest row waited. */
function commitTimes(manifest: Manifest): number[] {
  return [manifest.firstCommitTime, manifest.lastCommitTime].flatMap((time) =>
    time === null ? [] : [microsFromIso(time) / 1000],
  );
}
