// Station 8 on a row's way, the merge transaction: all tables of a window change together, or none. Its first statement moves
// the watermark from where the plan found it, so a window is merged once, however often it is tried.

import { parseLsn } from '../../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { FileSource } from '../../file-source.ts';
import type { MergeOutcome, MergePlan, RowCounts, TablePauseOrder } from '../../merge-plan.ts';
import type { DuckDbOwner } from '../client.ts';
import { blamesData, failureClass, isOutOfMemory } from '../failure.ts';
import { literal, momentSql } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { beginWatermark, moveWatermark, readWatermark, watermarkMoved } from '../watermark.ts';
import { beginTables } from './begin-tables.ts';
import { type LocalPlan, localPlan } from './local-plan.ts';
import { loadTable, mergeTable, type TableMerge } from './merge-table.ts';
import { detachTable, enliven, flowingTables, loadingSnapshots, pauseTable, type StateChange } from './table-state.ts';

/**
 * Merges one window. At or below the watermark nothing changes (`already-merged`). A table whose data cannot be merged is
 * paused and named in the outcome; the others go on.
 * @throws WalflowError WATERMARK_MOVED, WAREHOUSE_DISK_FULL, WAREHOUSE_FAILED, and WAREHOUSE_OUT_OF_MEMORY for a window of
 * several manifests: nothing was merged.
 */
export async function mergeWindow(owner: DuckDbOwner, plan: MergePlan, source: FileSource): Promise<MergeOutcome> {
  const local = await localPlan(plan, source);
  const outcome = await owner.merging.pass(() =>
    owner.use((session) => mergeWithout(owner, session, local, { tables: local.damaged, readsEnded: false })),
  );
  owner.noteMerge();
  return outcome;
}

/** What earlier tries of a window have led to. */
interface Tried {
  /** Tables that are left out. */
  readonly tables: readonly TablePauseOrder[];
  /** Reads were ended to make room. */
  readonly readsEnded: boolean;
}

/** A failed statement ends DuckDB's transaction: the window is tried again, at last without the table that caused it. */
async function mergeWithout(
  owner: DuckDbOwner,
  session: DuckDbSession,
  plan: LocalPlan,
  tried: Tried,
): Promise<MergeOutcome> {
  if (plan.expected.seq === 0) await beginWatermark(session, plan.pipeline);
  const merge = new WindowMerge(session, plan, tried.tables);
  try {
    return await session.transaction(() => merge.run());
  } catch (failure) {
    if (isOutOfMemory(failure) && !tried.readsEnded) {
      owner.readers.giveWay();
      return await mergeWithout(owner, session, plan, { ...tried, readsEnded: true });
    }
    const order = merge.busyWith === null ? null : blame(merge.busyWith, failure, plan);
    if (order === null) throw failure;
    return await mergeWithout(owner, session, plan, { ...tried, tables: [...tried.tables, order] });
  }
}

/** Null when the table is not the cause. */
function blame(table: string, failure: unknown, { expected, next }: LocalPlan): TablePauseOrder | null {
  if (isOutOfMemory(failure)) {
    // The changes of several manifests may be too many; those of one cannot be made fewer.
    if (next.seq > expected.seq + 1) return null;
    const reason = `the changes of ${table} take more memory than the warehouse may use`;
    return { table, code: 'WAREHOUSE_OUT_OF_MEMORY', reason };
  }
  if (!blamesData(failure)) return null;
  const reason = `the changes of ${table} cannot be merged (${failureClass(failure)} error)`;
  return { table, code: 'TABLE_UNMERGEABLE', reason };
}

class WindowMerge {
  /** The table whose statements are running: if one fails, it is the cause. */
  busyWith: string | null = null;
  readonly #session: DuckDbSession;
  readonly #plan: LocalPlan;
  readonly #change: StateChange;
  readonly #blamed: readonly TablePauseOrder[];
  readonly #paused: TablePauseOrder[] = [];
  readonly #unresolved: string[] = [];
  readonly #rows: Record<string, RowCounts> = {};
  readonly #touched = new Set<string>();
  readonly #startedAt = new Date().toISOString();

  constructor(session: DuckDbSession, plan: LocalPlan, blamed: readonly TablePauseOrder[]) {
    this.#session = session;
    this.#plan = plan;
    this.#blamed = blamed;
    this.#change = { pipeline: plan.pipeline, mergedTo: plan.expected, nowIso: plan.nowIso };
  }

  async run(): Promise<MergeOutcome> {
    const plan = this.#plan;
    if (!(await moveWatermark(this.#session, plan))) return await this.#alreadyMerged();
    await this.#assertFlowing();
    for (const table of plan.removes) await detachTable(this.#session, this.#change, table);
    this.#paused.push(...(await beginTables(this.#session, this.#change, plan.begins)));
    for (const order of plan.pauses) await pauseTable(this.#session, this.#change, order);
    for (const order of this.#blamed) await this.#pause(order);
    await this.#mergeTables();
    await this.#loadTables();
    this.#queueLedger();
    return {
      tag: 'merged',
      rows: this.#rows,
      touchedAssets: [...this.#touched],
      unresolved: this.#unresolved,
      paused: this.#paused,
    };
  }

  async #alreadyMerged(): Promise<MergeOutcome> {
    const { pipeline, expected, next } = this.#plan;
    const watermark = await readWatermark(this.#session, pipeline);
    if (watermark.seq < next.seq) throw watermarkMoved(pipeline, expected);
    return { tag: 'already-merged', watermark };
  }

  async #assertFlowing(): Promise<void> {
    const { pipeline, expected, flowing } = this.#plan;
    const found = await flowingTables(this.#session, pipeline);
    const known = new Set(flowing);
    if (found.length !== known.size || !found.every((table) => known.has(table))) {
      throw watermarkMoved(pipeline, expected);
    }
  }

  async #mergeTables(): Promise<void> {
    for (const changes of this.#plan.tables) {
      const { table } = changes.entry;
      const outcome = await this.#fold(table, () => mergeTable(this.#folding(table), changes));
      if (outcome?.tag !== 'unresolved') continue;
      const reason = `${outcome.rowCount} rows of ${table} lack a value that the WAL did not carry`;
      await this.#pause({ table, code: 'UNCHANGED_UNRESOLVED', reason });
    }
  }

  async #loadTables(): Promise<void> {
    const { loads, pipeline } = this.#plan;
    if (loads.length === 0) return;
    const loading = await loadingSnapshots(this.#session, pipeline);
    const loaded: CaptureEntry[] = [];
    for (const load of loads) {
      const { table, snapshot } = load.entry;
      // Another snapshot was asked for meanwhile, or the table has no place: these rows are of no use.
      if (loading.get(table) !== snapshot.id) continue;
      const outcome = await this.#fold(table, () => loadTable(this.#folding(table), load));
      if (outcome?.tag === 'done') loaded.push(load.entry);
      else if (outcome?.tag === 'unresolved') this.#unresolved.push(table);
    }
    await enliven(this.#session, this.#change, loaded);
  }

  /** Runs one table's fold, unless the table is left out. */
  async #fold(table: string, work: () => Promise<TableMerge>): Promise<TableMerge | null> {
    if (this.#blamed.some((order) => order.table === table)) return null;
    this.busyWith = table;
    const outcome = await work();
    this.busyWith = null;
    if (outcome.tag === 'done') {
      this.#rows[table] = outcome.rows;
      for (const asset of outcome.touched) this.#touched.add(asset);
    }
    return outcome;
  }

  #folding(table: string) {
    const { readers, next, nowIso } = this.#plan;
    const own = readers.filter(({ from }) => from.table === table);
    return { session: this.#session, readers: own, change: { seq: next.seq, nowIso } };
  }

  async #pause(order: TablePauseOrder): Promise<void> {
    await pauseTable(this.#session, this.#change, order);
    this.#paused.push(order);
  }

  /** With literals, like every statement of every merge: parameters cost three turns of Node's thread pool. */
  #queueLedger(): void {
    const { pipeline, expected, next, run, nowIso } = this.#plan;
    const seqFrom = Math.min(expected.seq + 1, next.seq);
    this.#session.queue(
      `insert into _walflow.ledger (pipeline, seq_from, seq_to, lsn_from, lsn_to, rows, workflow_id, run_id, attempt,
         started_at, merged_at)
       values (${literal(pipeline)}, ${seqFrom}, ${next.seq}, ${parseLsn(expected.endLsn)}, ${parseLsn(next.endLsn)},
         ${literal(JSON.stringify(this.#rows))}, ${literal(run.workflowId)}, ${literal(run.runId)}, ${run.attempt},
         ${momentSql(this.#startedAt)}, ${momentSql(nowIso)})`,
    );
  }
}
