// One window merged into a draft of the reference's state: the port's words, one after the other. The draft takes the
// state's place when all of it went well.

import type {
  MergeOutcome,
  MergePlan,
  PlacedTable,
  RowCounts,
  TablePauseOrder,
} from '../../../activities/warehouse/merge-plan.ts';
import { FLOWING } from '../../../activities/warehouse/table-status.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { parseLsn } from '../../../workflows/model/lsn.ts';
import type { CaptureEntry, DataFile } from '../../../workflows/model/manifest.ts';
import type { TextRow } from '../lab.ts';
import { touchRows, touchWhole } from './asset-changes.ts';
import { type Change, Fold, type FoldResult, isBehind, type Position, type StoredRow } from './fold.ts';
import { pipelineIn, placeKey, type ReferenceState, type TableRecord } from './state.ts';

/** What was read of a table's files; a failure pauses the table. */
export interface TableInput {
  readonly changes: readonly Change[];
  readonly copied: readonly Change[];
}

export interface WindowInput {
  readonly of: ReadonlyMap<string, TableInput>;
  readonly unreadable: readonly TablePauseOrder[];
}

export function mergeInto(state: ReferenceState, plan: MergePlan, input: WindowInput): MergeOutcome {
  const { watermark } = pipelineIn(state, plan.pipeline);
  const { expected, next } = plan;
  const stands = (['epochNo', 'seq', 'manifestHash'] as const).every((part) => watermark[part] === expected[part]);
  if (!stands && watermark.seq >= next.seq) return { tag: 'already-merged', watermark };
  if (!stands) throw new WalflowError('WATERMARK_MOVED', `${plan.pipeline} stands at manifest ${watermark.seq}`);
  return new WindowMerge(state, plan, input).run();
}

class WindowMerge {
  readonly #state: ReferenceState;
  readonly #plan: MergePlan;
  readonly #input: WindowInput;
  readonly #tables: Map<string, TableRecord>;
  readonly #paused: TablePauseOrder[] = [];
  readonly #unresolved: string[] = [];
  readonly #rows: Record<string, RowCounts> = {};
  readonly #touched = new Set<string>();

  constructor(state: ReferenceState, plan: MergePlan, input: WindowInput) {
    this.#state = state;
    this.#plan = plan;
    this.#input = input;
    this.#tables = pipelineIn(state, plan.pipeline).tables;
  }

  run(): MergeOutcome {
    const plan = this.#plan;
    const pipeline = pipelineIn(this.#state, plan.pipeline);
    this.#assertFlowing();
    pipeline.watermark = plan.next;
    for (const table of plan.removes) this.#detach(table);
    for (const table of plan.begins) this.#begin(table);
    for (const order of plan.pauses) this.#pause(order);
    for (const order of this.#input.unreadable) this.#pauseByItself(order);
    for (const changes of plan.tables) this.#mergeTable(changes);
    for (const load of plan.loads) this.#load(load);
    const { expected, next, run, nowIso } = plan;
    pipeline.ledger.unshift({
      ...{ ...run, seqFrom: Math.min(expected.seq + 1, next.seq), seqTo: next.seq },
      ...{ lsnFrom: expected.endLsn, lsnTo: next.endLsn, rows: this.#rows, startedAt: nowIso, mergedAt: nowIso },
    });
    return {
      ...{ tag: 'merged', rows: this.#rows, touchedAssets: [...this.#touched] },
      ...{ unresolved: this.#unresolved, paused: this.#paused },
    };
  }

  #assertFlowing(): void {
    const found = [...this.#tables].flatMap(([table, { state }]) => (FLOWING.includes(state) ? [table] : []));
    if (found.sort().join('\n') === [...this.#plan.flowing].sort().join('\n')) return;
    throw new WalflowError('WATERMARK_MOVED', `the plan does not know which tables of ${this.#plan.pipeline} flow`);
  }

  #detach(table: string): void {
    const known = this.#tables.get(table);
    if (known === undefined || known.state === 'detached') return;
    const mergedTo = FLOWING.includes(known.state) ? this.#expected() : known.mergedTo;
    if (mergedTo === null || known.reason?.code === 'NAME_COLLISION') this.#tables.delete(table);
    else this.#tables.set(table, { ...known, ...this.#entering('detached'), reason: null, mergedTo });
  }

  #entering(state: TableRecord['state']) {
    return { state, since: this.#plan.nowIso };
  }

  #begin({ entry, target }: PlacedTable): void {
    const { schema, name } = target;
    const known = this.#tables.get(entry.table);
    const taken = this.#ownerOf(placeKey(target), entry.table);
    const collision = taken === null ? null : `${entry.table} and ${taken} have one place`;
    const pause = collision === null ? (entry.paused ?? null) : { code: 'NAME_COLLISION', reason: collision };
    if (collision === null) this.#forgetDetachedAt(placeKey(target));
    this.#tables.set(entry.table, {
      ...{ entry, place: { schema, name }, ...this.#entering(pause === null ? 'loading' : 'paused') },
      reason: pause === null ? null : { code: pause.code, text: pause.reason },
      mergedTo: known === undefined ? null : (known.mergedTo ?? this.#expected()),
    });
    if (collision !== null) this.#paused.push({ table: entry.table, code: 'NAME_COLLISION', reason: collision });
  }

  /** Who else has the place, or null. */
  #ownerOf(place: string, table: string): string | null {
    for (const [name, pipeline] of this.#state.pipelines) {
      for (const [other, record] of pipeline.tables) {
        const itself = name === this.#plan.pipeline && other === table;
        const has = placeKey(record.place) === place && record.reason?.code !== 'NAME_COLLISION';
        if (has && !itself && record.state !== 'detached') return `${other} of ${name}`;
      }
    }
    return null;
  }

  #forgetDetachedAt(place: string): void {
    for (const { tables } of this.#state.pipelines.values()) {
      for (const [table, record] of tables) {
        if (record.state === 'detached' && placeKey(record.place) === place) tables.delete(table);
      }
    }
  }

  #pause({ table, code, reason }: TablePauseOrder): void {
    const known = this.#tables.get(table);
    if (known === undefined) return;
    const mergedTo = FLOWING.includes(known.state) ? this.#expected() : known.mergedTo;
    this.#tables.set(table, { ...known, ...this.#entering('paused'), reason: { code, text: reason }, mergedTo });
  }

  #pauseByItself(order: TablePauseOrder): void {
    this.#pause(order);
    this.#paused.push(order);
  }

  #mergeTable({ entry, target, files, truncates }: MergePlan['tables'][number]): void {
    const input = this.#input.of.get(entry.table);
    if (input === undefined) return;
    const place = placeKey(target);
    const present = this.#state.stored.get(place) ?? [];
    const all = pointsOf(truncates);
    const readers = this.#readersOf(entry);
    const counts = { ...countsOf(files), loaded: 0 };
    if (target.mode === 'append') {
      const added = behind(input.changes, all).filter(({ op }) => op === 'i');
      this.#state.stored.set(place, [...(all.length > 0 ? [] : present), ...added]);
      this.#done(entry, counts, touchRows(this.#state.assets, readers, this.#change(), entry, all.length > 0, added));
      return;
    }
    const keyOf = keyIn(entry);
    const folded = fold(new Fold(columnsOf(entry), keyOf, present), input.changes, all, new Map());
    if (folded.unresolved > 0) {
      const reason = `${folded.unresolved} rows of ${entry.table} lack a value that the log did not carry`;
      this.#pauseByItself({ table: entry.table, code: 'UNCHANGED_UNRESOLVED', reason });
      return;
    }
    const about = (row: StoredRow) => folded.touched.has(keyOf(row.values));
    const concerned = [...present.filter(about), ...[...folded.rows.values()].filter(about)];
    this.#state.stored.set(place, [...folded.rows.values()]);
    this.#done(entry, counts, touchRows(this.#state.assets, readers, this.#change(), entry, all.length > 0, concerned));
  }

  #load({ entry, target, files, truncates, r0Lsn }: MergePlan['loads'][number]): void {
    const input = this.#input.of.get(entry.table);
    const known = this.#tables.get(entry.table);
    const wanted = known?.state === 'loading' && known.entry.snapshot.id === entry.snapshot.id;
    if (input === undefined || !wanted) return;
    const from = parseLsn(r0Lsn);
    const changes = input.changes.filter(({ lsn }) => lsn >= from);
    const all = pointsOf(truncates).filter(({ lsn }) => lsn >= from);
    const copied = all.length > 0 ? [] : input.copied;
    let rows: readonly StoredRow[] = [...copied, ...behind(changes, all).filter(({ op }) => op === 'i')];
    let loaded = copied.length;
    if (target.mode === 'mirror') {
      const keyOf = keyIn(entry);
      const byKey = new Map(copied.map((row) => [keyOf(row.values), row]));
      const folded = fold(new Fold(columnsOf(entry), keyOf, null), changes, all, byKey);
      if (folded.unresolved > 0) {
        this.#unresolved.push(entry.table);
        return;
      }
      const untouched = copied.filter((row) => !folded.touched.has(keyOf(row.values)));
      rows = [...untouched, ...folded.rows.values()];
      loaded = untouched.length;
    }
    this.#state.stored.set(placeKey(target), rows);
    const state = entry.mode === 'append-only' ? 'append-only' : 'live';
    this.#tables.set(entry.table, { ...known, ...this.#entering(state), reason: null, mergedTo: null });
    const readers = this.#readersOf(entry);
    for (const { to } of readers) touchWhole(this.#state.assets, to, this.#change());
    this.#done(
      entry,
      { ...countsOf(files), loaded },
      readers.map(({ to }) => to),
    );
  }

  #done(entry: CaptureEntry, counts: RowCounts, touched: readonly string[]): void {
    this.#rows[entry.table] = counts;
    for (const asset of touched) this.#touched.add(asset);
  }

  #readersOf(entry: CaptureEntry) {
    return this.#plan.readers.filter(({ from }) => from.table === entry.table);
  }

  #change() {
    return { seq: this.#plan.next.seq, at: this.#plan.nowIso };
  }

  #expected() {
    return { seq: this.#plan.expected.seq, lsn: this.#plan.expected.endLsn };
  }
}

function fold(
  start: Fold,
  changes: readonly Change[],
  truncates: readonly Position[],
  copied: ReadonlyMap<string, StoredRow>,
): FoldResult {
  const open = [...truncates];
  for (const change of changes) {
    while (open[0] !== undefined && isBehind(change, open[0])) {
      open.shift();
      start.truncate();
    }
    start.apply(change);
  }
  if (open.length > 0) start.truncate();
  return start.finish(copied);
}

/** Changes that no truncate made void. */
function behind(changes: readonly Change[], truncates: readonly Position[]): readonly Change[] {
  return changes.filter((change) => truncates.every((point) => isBehind(change, point)));
}

function pointsOf(truncates: MergePlan['tables'][number]['truncates']): readonly Position[] {
  const points = truncates.map(({ commitLsn, ordinal }) => ({ lsn: parseLsn(commitLsn), ordinal }));
  return points.sort((one, other) => (isBehind(one, other) ? 1 : -1));
}

const columnsOf = (entry: CaptureEntry) => entry.columns.map(({ name }) => name);

const keyIn = (entry: CaptureEntry) => (values: TextRow) =>
  JSON.stringify(entry.keyColumns.map((name) => values[name]));

function countsOf(files: readonly DataFile[]): Omit<RowCounts, 'loaded'> {
  const sum = (of: 'inserts' | 'updates' | 'deletes') => files.reduce((n, file) => n + file[of], 0);
  return { inserts: sum('inserts'), updates: sum('updates'), deletes: sum('deletes') };
}
