// Between stations 2 and 3 on a row's way: from what the WAL says to what the lake records. Numbers the changes of a
// transaction, splits a change of key into a delete and an update, and completes rows where the WAL allows it.
// Invariant: a value the WAL did not carry stays marked unchanged; it never turns into NULL.

import type { ErrorCode } from '../../workflows/model/errors.ts';
import type { Lsn } from '../../workflows/model/lsn.ts';
import { type CapturedTable, type LoggedRelation, sameKey, sameShape } from '../../workflows/model/relation.ts';
import { NULL_LENGTH, type Tuple, UNCHANGED_LENGTH } from '../../workflows/model/tuple.ts';
import type { MessageHandler } from './pgoutput.ts';
import { tooLargeReason } from './row-limit.ts';

/** insert, update, delete, as written into change files. */
export type ChangeOp = 'i' | 'u' | 'd';

/** Receives the changes of captured tables in WAL order. Tuples are valid only until the call returns. */
export interface ChangeSink {
  begin(commitLsn: Lsn, commitTimeUs: number, xid: number): void;
  /** `moved`: the change at the previous ordinal is the delete of this row's old key. */
  change(table: CapturedTable, op: ChangeOp, ordinal: number, moved: boolean, tuple: Tuple): void;
  truncate(table: CapturedTable, ordinal: number): void;
  /**
   * The WAL describes the table in another shape than the captured one. Returns how it is captured from here on; null =
   * this change is not reported, and the next one asks again.
   */
  shapeChanged(table: CapturedTable, relation: LoggedRelation): CapturedTable | null;
  /**
   * A change cannot be recorded exactly. True = the table ends here: no more changes of it are reported. False = this
   * change is not needed, and the table goes on.
   */
  unusable(table: CapturedTable, code: ErrorCode, reason: string): boolean;
  commit(commitLsn: Lsn, endLsn: Lsn, commitTimeUs: number): void;
}

interface Capture {
  readonly table: CapturedTable;
  readonly keyed: boolean;
  /** Column numbers of the key, and all the others. */
  readonly key: readonly number[];
  readonly rest: readonly number[];
}

export class TransactionReader implements MessageHandler {
  readonly #tables: (relation: LoggedRelation) => CapturedTable | null;
  readonly #sink: ChangeSink;
  readonly #captures = new Map<number, Capture>();
  /** Captured tables that the WAL describes in another shape, by relation. The sink is asked when one changes. */
  readonly #misfits = new Map<number, CapturedTable>();
  /** Tables that ended in this session; none of their changes is reported. */
  readonly #ended = new Set<string>();
  /** Relations this session has described. */
  readonly #described = new Set<number>();
  #redescribed = 0;
  /** The table of the last description. */
  #newest: string | null = null;
  #lastRelation: LoggedRelation | null = null;
  #lastCapture: Capture | null = null;
  #ordinal = 0;

  /** `tables` is called once per Relation message; null = not captured, its changes are skipped. */
  constructor(tables: (relation: LoggedRelation) => CapturedTable | null, sink: ChangeSink) {
    this.#tables = tables;
    this.#sink = sink;
  }

  /** How often a known relation was described again: the server does so after DDL and after some maintenance. */
  get redescribed(): number {
    return this.#redescribed;
  }

  /**
   * The tables that a change may belong to that the server failed to send: one that it has just described for it, else any
   * that it described before.
   */
  get suspects(): readonly string[] {
    if (this.#lastRelation === null && this.#newest !== null) return [this.#newest];
    return [...this.#captures.values()].map(({ table }) => table.table);
  }

  begin(commitLsn: Lsn, commitTimeUs: number, xid: number): void {
    this.#ordinal = 0;
    this.#sink.begin(commitLsn, commitTimeUs, xid);
  }

  tooLarge(relation: LoggedRelation, column: number, bytes: number): void {
    const capture = this.#captureOf(relation);
    if (capture === null) return;
    this.#end(capture, relation, 'VALUE_TOO_LARGE', tooLargeReason(capture.table, column, bytes));
  }

  commit(commitLsn: Lsn, endLsn: Lsn, commitTimeUs: number): void {
    this.#sink.commit(commitLsn, endLsn, commitTimeUs);
  }

  relation(relation: LoggedRelation): void {
    this.#lastRelation = null;
    if (this.#described.has(relation.oid)) this.#redescribed += 1;
    this.#described.add(relation.oid);
    this.#captures.delete(relation.oid);
    this.#misfits.delete(relation.oid);
    const table = this.#tables(relation);
    this.#newest = table?.table ?? null;
    if (table === null || this.#ended.has(table.table)) return;
    const sameName = relation.schema === table.schema && relation.name === table.name;
    const fits = sameName && sameShape(relation, table) && sameKey(relation, table);
    if (fits) this.#captures.set(relation.oid, captureOf(table));
    else this.#misfits.set(relation.oid, table);
  }

  insert(relation: LoggedRelation, tuple: Tuple): void {
    const capture = this.#captureOf(relation);
    if (capture !== null) this.#sink.change(capture.table, 'i', this.#ordinal++, false, tuple);
  }

  update(relation: LoggedRelation, tuple: Tuple, old: Tuple | null): void {
    const capture = this.#captureOf(relation);
    if (capture === null || !this.#takesOldRows(capture, relation)) return;
    if (old !== null) fillUnchanged(tuple, old);
    if (!hasKey(tuple, capture.key)) {
      const reason = `${capture.table.table}: an update did not carry the key column (stored out of line)`;
      this.#end(capture, relation, 'KEY_NOT_IN_LOG', reason);
      return;
    }
    if (old === null || equalIn(tuple, old, capture.key)) {
      this.#sink.change(capture.table, 'u', this.#ordinal++, false, tuple);
      return;
    }
    if (!this.#delete(capture, relation, old)) return;
    this.#sink.change(capture.table, 'u', this.#ordinal++, true, tuple);
  }

  delete(relation: LoggedRelation, old: Tuple): void {
    const capture = this.#captureOf(relation);
    if (capture !== null && this.#takesOldRows(capture, relation)) this.#delete(capture, relation, old);
  }

  truncate(relations: readonly LoggedRelation[]): void {
    for (const relation of relations) {
      const capture = this.#captureOf(relation);
      if (capture !== null) this.#sink.truncate(capture.table, this.#ordinal++);
    }
  }

  /** A delete is recorded with the key alone, whatever else the replica identity holds. */
  #delete(capture: Capture, relation: LoggedRelation, old: Tuple): boolean {
    if (!hasKey(old, capture.key)) {
      const reason = `${capture.table.table}: the old row of a change lacks the key (a partition's identity differs)`;
      this.#end(capture, relation, 'KEY_NOT_IN_LOG', reason);
      return false;
    }
    for (const column of capture.rest) old.lengths[column] = NULL_LENGTH;
    this.#sink.change(capture.table, 'd', this.#ordinal++, false, old);
    return true;
  }

  /** The append publication sends no updates or deletes: if one arrives, a publication was changed from outside. */
  #takesOldRows(capture: Capture, relation: LoggedRelation): boolean {
    if (capture.keyed) return true;
    const reason = `${capture.table.table}: an update or delete arrived for a table captured append-only`;
    this.#end(capture, relation, 'APPEND_ONLY_CHANGED', reason);
    return false;
  }

  #end(capture: Capture, relation: LoggedRelation, code: ErrorCode, reason: string): void {
    const { table } = capture;
    if (!this.#sink.unusable(table, code, reason)) return;
    this.#captures.delete(relation.oid);
    this.#lastRelation = null;
    this.#ended.add(table.table);
  }

  #captureOf(relation: LoggedRelation): Capture | null {
    if (relation === this.#lastRelation) return this.#lastCapture;
    const misfit = this.#misfits.get(relation.oid);
    if (misfit !== undefined && !this.#adopt(misfit, relation)) return null;
    this.#lastRelation = relation;
    this.#lastCapture = this.#captures.get(relation.oid) ?? null;
    return this.#lastCapture;
  }

  #adopt(misfit: CapturedTable, relation: LoggedRelation): boolean {
    const table = this.#sink.shapeChanged(misfit, relation);
    if (table === null) return false;
    this.#misfits.delete(relation.oid);
    this.#captures.set(relation.oid, captureOf(table));
    return true;
  }
}

function captureOf(table: CapturedTable): Capture {
  const names = table.columns.map((column) => column.name);
  const key = table.keyColumns.map((name) => names.indexOf(name));
  const rest = names.map((_, i) => i).filter((i) => !key.includes(i));
  return { table, keyed: table.mode === 'keyed', key, rest };
}

/**
 * Takes unchanged values from the old row, in place. An old NULL is never taken: a value stored out of line is not NULL,
 * so a NULL there means "not in the key". The kind of the old tuple ('key' or 'full') must not decide: for a partition the
 * server derives it from the root's identity, while the partition's own identity decided what was logged.
 */
function fillUnchanged(tuple: Tuple, old: Tuple): void {
  for (let column = 0; column < tuple.count; column++) {
    const length = old.lengths[column] as number;
    if (length < 0 || tuple.lengths[column] !== UNCHANGED_LENGTH) continue;
    // Both tuples lie in the same message, so offsets are valid for both.
    tuple.starts[column] = old.starts[column] as number;
    tuple.lengths[column] = length;
  }
}

/** Does the tuple hold every key column? A key is never NULL. */
function hasKey(tuple: Tuple, key: readonly number[]): boolean {
  for (const column of key) if ((tuple.lengths[column] as number) < 0) return false;
  return true;
}

function equalIn(a: Tuple, b: Tuple, columns: readonly number[]): boolean {
  for (const column of columns) if (!sameField(a, b, column)) return false;
  return true;
}

function sameField(a: Tuple, b: Tuple, column: number): boolean {
  const length = a.lengths[column] as number;
  if (length !== b.lengths[column]) return false;
  const atA = a.starts[column] as number;
  const atB = b.starts[column] as number;
  return a.buffer.compare(b.buffer, atB, atB + length, atA, atA + length) === 0;
}
