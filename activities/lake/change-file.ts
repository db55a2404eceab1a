// Station 4 on a row's way: from tuples to a Parquet file of changes, straight from the received bytes, without row objects
// or strings. One encoder per table, reused for every batch. Invariant: a row is appended whole or not at all; a value
// without an exact form is refused with the name of its column, never rounded, never turned into NULL.

import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { columnTypeOf } from '../../workflows/model/column-type.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { lakeColumnName } from '../../workflows/model/lake-column.ts';
import type { Lsn } from '../../workflows/model/lsn.ts';
import type { CapturedTable, RelationColumn } from '../../workflows/model/relation.ts';
import { type Tuple, UNCHANGED_LENGTH } from '../../workflows/model/tuple.ts';
import { ChangeColumns, type PositionRange, packFlags, type RowOp } from './change-columns.ts';
import { ColumnBuffer } from './codec/column-buffer.ts';
import { type ColumnCodec, codecOf } from './codec/column-codec.ts';
import { minMaxOf } from './parquet/column-statistics.ts';
import { type ColumnPages, definitionLevels, encodeParquet, type LeafColumn } from './parquet/file.ts';
import { type LeafType, PHYSICAL } from './parquet/schema.ts';

/** A file, and what its manifest will say about it. */
export interface EncodedChangeFile extends PositionRange {
  readonly bytes: Buffer;
  /** Hex SHA-256 of `bytes`. */
  readonly sha256: string;
  readonly rows: number;
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  readonly moved: number;
  /** Source columns that the WAL did not carry in at least one row, in table order. */
  readonly unchangedColumns: readonly string[];
}

interface SourceColumn {
  readonly name: string;
  readonly nameBytes: Buffer;
  readonly leaf: LeafColumn;
  /** Replaces `leaf` if `values` are irregular. */
  readonly irregularLeaf: LeafColumn;
  readonly convert: ColumnCodec['convert'];
  /** Null = no statistics: they are kept for key columns only. */
  readonly order: ColumnCodec['order'];
  readonly values: ColumnBuffer;
  /** The WAL did not carry it in at least one row. */
  unchanged: boolean;
}

/** What a row takes besides its values. */
const ROW_BYTES = 16;

export class ChangeFileEncoder {
  readonly #table: string;
  readonly #columns: readonly SourceColumn[];
  readonly #own = new ChangeColumns();
  #bytes = 0;
  #finished = false;

  /** @param unencoded the source has no encoding, so texts are checked to be UTF-8 */
  constructor(table: CapturedTable, unencoded = false) {
    this.#table = table.table;
    this.#columns = table.columns.map((column) => {
      const own = sourceColumn(column, table.keyColumns.includes(column.name));
      return unencoded ? { ...own, convert: onlyUtf8(own.convert) } : own;
    });
  }

  get rows(): number {
    return this.#own.rows;
  }

  /** About how many received bytes are held here: this bounds a batch. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Every row from now on belongs to this transaction. Transactions come in commit order. */
  beginTransaction(commitLsn: Lsn, commitTimeUs: number, xid: number): void {
    this.#own.beginTransaction(commitLsn, commitTimeUs, xid);
  }

  /**
   * Appends a row; its fields are in table order.
   * @throws WalflowError VALUE_NOT_EXACT, CHANGE_FILE_FULL; the row is then not part of the file.
   */
  append(op: RowOp, ordinal: number, moved: boolean, { buffer, starts, lengths }: Tuple): void {
    if (this.#finished) throw new WalflowError('INTERNAL', `${this.#table}: a row was appended to a finished file`);
    const columns = this.#columns;
    const row = this.#own.rows;
    let bytes = ROW_BYTES;
    let notCarried = false;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as SourceColumn;
      const length = lengths[i] as number;
      if (length >= 0) {
        this.#appendValue(i, row, buffer, starts[i] as number, length);
        bytes += length;
      } else {
        column.values.setNull(row);
        if (length === UNCHANGED_LENGTH) notCarried = true;
      }
    }
    this.#own.append(op, ordinal, moved);
    if (notCarried) this.#listNotCarried(lengths);
    else this.#own.allCarried();
    this.#bytes += bytes;
  }

  /** Encodes the file. The encoder must not be used before this resolves, and takes no more rows until `reset`. */
  async finish(): Promise<EncodedChangeFile> {
    this.#finished = true;
    const { rows, counts, moved } = this.#own;
    const positions = this.#own.positions();
    const unchangedColumns = this.#columns.filter((column) => column.unchanged).map((column) => column.name);
    const pages = [...this.#own.pages(), ...this.#columns.map((column) => sourcePages(column, rows))];
    const bytes = await encodeParquet(pages, rows);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const figures = { rows, inserts: counts.i, updates: counts.u, deletes: counts.d, moved, unchangedColumns };
    return { bytes, sha256, ...figures, ...positions };
  }

  /** Empties the encoder for the next file and keeps its memory. */
  reset(): void {
    this.#own.reset();
    for (const column of this.#columns) {
      column.values.reset();
      column.unchanged = false;
    }
    this.#bytes = 0;
    this.#finished = false;
  }

  #appendValue(i: number, row: number, buffer: Buffer, start: number, length: number): void {
    const column = this.#columns[i] as SourceColumn;
    const { values } = column;
    values.lastStart = values.length;
    let exact = false;
    try {
      exact = column.convert(values, buffer, start, length);
    } finally {
      if (!exact) for (let taken = 0; taken <= i; taken++) this.#columns[taken]?.values.undo(row);
    }
    if (exact) return;
    const why = isUtf8(buffer.subarray(start, start + length))
      ? 'has a value that its column in the lake cannot hold exactly'
      : 'has a text that is not UTF-8';
    throw new WalflowError('VALUE_NOT_EXACT', `${this.#table}.${column.name} ${why}`);
  }

  #listNotCarried(lengths: Int32Array): void {
    let isFirst = true;
    for (let i = 0; i < this.#columns.length; i++) {
      if (lengths[i] !== UNCHANGED_LENGTH) continue;
      const column = this.#columns[i] as SourceColumn;
      column.unchanged = true;
      this.#own.notCarried(column.nameBytes, isFirst);
      isFirst = false;
    }
  }
}

function onlyUtf8(convert: ColumnCodec['convert']): ColumnCodec['convert'] {
  return (values, buffer, start, length) =>
    isUtf8(buffer.subarray(start, start + length)) && convert(values, buffer, start, length);
}

function sourceColumn(column: RelationColumn, isKey: boolean): SourceColumn {
  const { convert, leaf, irregularLeaf, order } = codecOf(columnTypeOf(column));
  const leafOf = (type: LeafType): LeafColumn => ({ name: lakeColumnName(column.name), shape: 'optional', type });
  return {
    name: column.name,
    nameBytes: Buffer.from(column.name, 'utf8'),
    leaf: leafOf(leaf),
    irregularLeaf: leafOf(irregularLeaf),
    convert,
    order: isKey ? order : null,
    values: new ColumnBuffer(),
    unchanged: false,
  };
}

function sourcePages({ leaf, irregularLeaf, order, values }: SourceColumn, rows: number): ColumnPages {
  const levels = definitionLevels(values.nullCount === 0 ? null : values.presence(rows), rows);
  const plain =
    leaf.type.physical === PHYSICAL.BOOLEAN
      ? packFlags(values.bytes, values.length, 1)
      : values.bytes.subarray(0, values.length);
  return {
    column: values.irregular ? irregularLeaf : leaf,
    valueCount: rows,
    data: [levels, plain],
    dictionary: null,
    nullCount: values.nullCount,
    minMax: order === null ? null : minMaxOf(values.bytes, values.length, order),
  };
}
