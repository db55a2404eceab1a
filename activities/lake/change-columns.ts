// walflow's own columns of a change file: operation, position, and which values the WAL did not carry. What is equal for a
// whole transaction (commit LSN, commit time, xid) is one dictionary entry and one run, and costs nothing per row.

import type { Lsn } from '../../workflows/model/lsn.ts';
import { ColumnBuffer } from './codec/column-buffer.ts';
import { minMaxOf } from './parquet/column-statistics.ts';
import { type ColumnPages, type LeafColumn, withLength } from './parquet/file.ts';
import { bitWidthOf, packedValues, runLength, runLengths } from './parquet/run-encoding.ts';
import { BOOLEAN, INT32, INT64, STRING, TIMESTAMP_UTC } from './parquet/schema.ts';

/** What happened to the row: insert, update, delete, or read by a snapshot. */
export type RowOp = 'i' | 'u' | 'd' | 'r';

const OPS: readonly RowOp[] = ['i', 'u', 'd', 'r'];
/** `_op`'s dictionary: each letter as a BYTE_ARRAY. */
const OP_DICTIONARY = Buffer.concat(OPS.map((op) => Buffer.from([1, 0, 0, 0, op.charCodeAt(0)])));
/** Set in a row's op byte where `_moved` is true. */
const MOVED_BIT = 4;
/** Levels of one `_unchanged` entry in a byte: definition in bits 0 and 1, repetition in bit 2. */
const NO_LIST = 0;
const FIRST_ELEMENT = 2;
const NEXT_ELEMENT = 6;

const OP: LeafColumn = { name: '_op', shape: 'required', type: STRING };
const COMMIT_LSN: LeafColumn = { name: '_commit_lsn', shape: 'required', type: INT64 };
const ORDINAL: LeafColumn = { name: '_ordinal', shape: 'required', type: INT32 };
const COMMIT_TIME: LeafColumn = { name: '_commit_time', shape: 'required', type: TIMESTAMP_UTC };
const XID: LeafColumn = { name: '_xid', shape: 'required', type: INT64 };
const UNCHANGED: LeafColumn = { name: '_unchanged', shape: 'list', type: STRING };
const MOVED: LeafColumn = { name: '_moved', shape: 'required', type: BOOLEAN };

/** First and last position in a file; zeros when it has no rows. */
export interface PositionRange {
  readonly minCommitLsn: Lsn;
  readonly maxCommitLsn: Lsn;
  readonly minCommitTimeUs: number;
  readonly maxCommitTimeUs: number;
}

export class ChangeColumns {
  rows = 0;
  moved = 0;
  readonly counts: Record<RowOp, number> = { i: 0, u: 0, d: 0, r: 0 };
  /** One byte per row: index into OPS, and the moved bit. */
  readonly #ops = new ColumnBuffer();
  readonly #ordinals = new ColumnBuffer();
  readonly #unchangedLevels = new ColumnBuffer();
  readonly #unchangedNames = new ColumnBuffer();
  /** Per transaction that has rows: its first row, and its dictionary entries. */
  readonly #firstRows: number[] = [];
  readonly #commitLsns = new ColumnBuffer();
  readonly #commitTimes = new ColumnBuffer();
  readonly #xids = new ColumnBuffer();

  beginTransaction(commitLsn: Lsn, commitTimeUs: number, xid: number): void {
    this.#dropEmptyTransaction();
    this.#firstRows.push(this.rows);
    this.#commitLsns.writeBigInt64(commitLsn);
    this.#commitTimes.writeInt64(commitTimeUs);
    this.#xids.writeInt64(xid);
  }

  append(op: RowOp, ordinal: number, moved: boolean): void {
    this.#ops.writeByte(opCode(op) | (moved ? MOVED_BIT : 0));
    this.#ordinals.writeInt32(ordinal);
    this.counts[op] += 1;
    if (moved) this.moved += 1;
    this.rows += 1;
  }

  /** The row appended last has all its values. */
  allCarried(): void {
    this.#unchangedLevels.writeByte(NO_LIST);
  }

  /** Adds a column that the WAL did not carry in the row appended last. */
  notCarried(name: Buffer, isFirst: boolean): void {
    this.#unchangedLevels.writeByte(isFirst ? FIRST_ELEMENT : NEXT_ELEMENT);
    this.#unchangedNames.writeByteArray(name, 0, name.length);
  }

  positions(): PositionRange {
    this.#dropEmptyTransaction();
    const lsns = minMaxOf(this.#commitLsns.bytes, this.#commitLsns.length, 'int64');
    const times = minMaxOf(this.#commitTimes.bytes, this.#commitTimes.length, 'int64');
    const int64 = (bytes: Uint8Array | undefined) => (bytes ? Buffer.from(bytes).readBigInt64LE() : 0n);
    return {
      minCommitLsn: int64(lsns?.min),
      maxCommitLsn: int64(lsns?.max),
      minCommitTimeUs: Number(int64(times?.min)),
      maxCommitTimeUs: Number(int64(times?.max)),
    };
  }

  /** In file order. */
  pages(): ColumnPages[] {
    this.#dropEmptyTransaction();
    const { rows } = this;
    const required = { valueCount: rows, dictionary: null, nullCount: 0, minMax: null };
    const ordinals = this.#ordinals;
    return [
      this.#opPages(),
      this.#transactionPages(COMMIT_LSN, this.#commitLsns),
      { ...required, column: ORDINAL, data: [ordinals.bytes.subarray(0, ordinals.length)] },
      this.#transactionPages(COMMIT_TIME, this.#commitTimes),
      this.#transactionPages(XID, this.#xids),
      this.#unchangedPages(),
      { ...required, column: MOVED, data: [packFlags(this.#ops.bytes, rows, MOVED_BIT)] },
    ];
  }

  reset(): void {
    this.rows = 0;
    this.moved = 0;
    for (const op of OPS) this.counts[op] = 0;
    this.#firstRows.length = 0;
    for (const buffer of [this.#ops, this.#ordinals, this.#unchangedLevels, this.#unchangedNames]) buffer.reset();
    for (const buffer of [this.#commitLsns, this.#commitTimes, this.#xids]) buffer.reset();
  }

  /** Drops a transaction whose rows were all refused: a run without rows would be malformed. */
  #dropEmptyTransaction(): void {
    if (this.#firstRows.length === 0 || this.#firstRows.at(-1) !== this.rows) return;
    this.#firstRows.pop();
    for (const buffer of [this.#commitLsns, this.#commitTimes, this.#xids]) buffer.length -= 8;
  }

  #opPages(): ColumnPages {
    const codes = this.#ops.bytes.subarray(0, this.rows).map((code) => code & ~MOVED_BIT);
    const indices = packedValues(codes, this.rows, 2);
    return {
      column: OP,
      valueCount: this.rows,
      data: [Buffer.from([2]), indices],
      dictionary: { bytes: OP_DICTIONARY, count: OPS.length },
      nullCount: 0,
      minMax: null,
    };
  }

  #transactionPages(column: LeafColumn, entries: ColumnBuffer): ColumnPages {
    const count = this.#firstRows.length;
    const bitWidth = bitWidthOf(count);
    return {
      column,
      valueCount: this.rows,
      data: [Buffer.from([bitWidth]), runLengths(this.#firstRows, this.rows, bitWidth)],
      dictionary: { bytes: entries.bytes.subarray(0, entries.length), count },
      nullCount: 0,
      minMax: minMaxOf(entries.bytes, entries.length, 'int64'),
    };
  }

  #unchangedPages(): ColumnPages {
    const names = this.#unchangedNames;
    const count = this.#unchangedLevels.length;
    const levels = this.#unchangedLevels.bytes.subarray(0, count);
    const repetition =
      names.length === 0
        ? runLength(0, count, 1)
        : packedValues(
            levels.map((l) => l >> 2),
            count,
            1,
          );
    const definition =
      names.length === 0
        ? runLength(0, count, 2)
        : packedValues(
            levels.map((l) => l & 3),
            count,
            2,
          );
    return {
      column: UNCHANGED,
      valueCount: count,
      data: [withLength(repetition), withLength(definition), names.bytes.subarray(0, names.length)],
      dictionary: null,
      nullCount: null,
      minMax: null,
    };
  }
}

/** PLAIN booleans: one bit per row, set where the row's byte has `mask`. */
export function packFlags(bytes: Uint8Array, count: number, mask: number): Uint8Array {
  const bits = new Uint8Array((count + 7) >> 3);
  for (let i = 0; i < count; i++) {
    if (((bytes[i] as number) & mask) !== 0) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
  }
  return bits;
}

function opCode(op: RowOp): number {
  switch (op) {
    case 'i':
      return 0;
    case 'u':
      return 1;
    case 'd':
      return 2;
    case 'r':
      return 3;
  }
}
