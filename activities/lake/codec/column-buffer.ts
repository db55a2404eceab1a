// One column of a change file while it fills: values in Parquet's PLAIN layout, so that closing a page is one copy, and a bit
// for each NULL. Reused for every batch. Plain fields instead of accessors, because converters write here for each value.
// PLAIN: https://github.com/apache/parquet-format/blob/master/Encodings.md#plain-plain--0

import { WalflowError } from '../../../workflows/model/errors.ts';

const FIRST_BYTES = 1024;
const FIRST_NULL_BYTES = 64;
/** Buffers up to this size are always kept. */
const KEPT_BYTES = 1 << 18;
/** The size of a page is a signed 32-bit number; this leaves room for its levels. */
const MAX_BYTES = 2 ** 31 - 2 ** 20;
/** Below this a byte loop is faster than the call into native code. */
const SHORT_COPY_BYTES = 40;

export class ColumnBuffer {
  /** Always at offset 0 of its memory, so that it can be viewed as 32-bit words. */
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  view: DataView = new DataView(this.bytes.buffer);
  length = 0;
  /** Where the last value begins: `undo` goes back to this. */
  lastStart = 0;
  nullCount = 0;
  /** Set by a converter: the column has a value that readers of its usual type refuse. */
  irregular = false;
  /** Bit i is set if row i is NULL; bytes after the last NULL are zero. */
  #nulls: Uint8Array = new Uint8Array(FIRST_NULL_BYTES);

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    if (needed > MAX_BYTES) throw new WalflowError('CHANGE_FILE_FULL', `a column reached ${needed} bytes in one file`);
    this.#resize(Math.min(MAX_BYTES, Math.max(this.bytes.length * 2, needed)));
  }

  setNull(row: number): void {
    const index = row >> 3;
    if (index >= this.#nulls.length) {
      const grown = new Uint8Array(Math.max(this.#nulls.length * 2, index + 1));
      grown.set(this.#nulls);
      this.#nulls = grown;
    }
    this.#nulls[index] = (this.#nulls[index] ?? 0) | (1 << (row & 7));
    this.nullCount += 1;
  }

  isNull(row: number): boolean {
    return (((this.#nulls[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
  }

  /** Removes what was appended for `row`, which is the last one. */
  undo(row: number): void {
    if (this.isNull(row)) {
      this.#nulls[row >> 3] = (this.#nulls[row >> 3] ?? 0) & ~(1 << (row & 7));
      this.nullCount -= 1;
    } else {
      this.length = this.lastStart;
    }
  }

  /** One bit per row, set if it has a value: the definition levels of an optional column, bit-packed. */
  presence(rows: number): Uint8Array {
    const bits = new Uint8Array((rows + 7) >> 3);
    for (let i = 0; i < bits.length; i++) bits[i] = ~(this.#nulls[i] ?? 0);
    return bits;
  }

  writeByte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  writeInt32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.length, value, true);
    this.length += 4;
  }

  /** A safe integer as 64 bits. */
  writeInt64(value: number): void {
    this.writeWords(Math.floor(value / 4294967296), value >>> 0);
  }

  /** A 64-bit integer as its two words. */
  writeWords(high: number, low: number): void {
    this.reserve(8);
    this.view.setUint32(this.length, low, true);
    this.view.setInt32(this.length + 4, high, true);
    this.length += 8;
  }

  writeBigInt64(value: bigint): void {
    this.reserve(8);
    this.view.setBigInt64(this.length, value, true);
    this.length += 8;
  }

  /** BYTE_ARRAY: length as 4 bytes little endian, then the bytes. */
  writeByteArray(source: Buffer, start: number, length: number): void {
    this.reserve(length + 4);
    this.view.setUint32(this.length, length, true);
    let at = this.length + 4;
    this.length = at + length;
    if (length < SHORT_COPY_BYTES) {
      const bytes = this.bytes;
      for (let from = start; from < start + length; from++) bytes[at++] = source[from] as number;
    } else {
      source.copy(this.bytes, at, start, start + length);
    }
  }

  /** Empties the column; frees memory that is much more than the last batch needed. */
  reset(): void {
    if (this.bytes.length > KEPT_BYTES && this.length < this.bytes.length / 4) this.#shrink();
    if (this.nullCount > 0) this.#nulls.fill(0);
    this.length = 0;
    this.lastStart = 0;
    this.nullCount = 0;
    this.irregular = false;
  }

  #shrink(): void {
    this.length = 0;
    this.#resize(KEPT_BYTES);
  }

  #resize(size: number): void {
    const resized = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(resized, 0, 0, this.length);
    this.bytes = resized;
    this.view = new DataView(resized.buffer);
  }
}
