// Smallest and largest value of a column, found in its PLAIN bytes when the page is closed: no cost per row. Only if the order
// is certain and the values are short: without a statistic a reader loses time, with a wrong one it loses rows.
// Orders: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (ColumnOrder)

/** Values as the footer stores them: PLAIN, byte arrays without their length. */
export interface MinMax {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
}

/** How the bytes of a column compare; null = no statistics (floats: NaN and -0 have no agreed place). */
export type ValueOrder = 'int32' | 'int64' | 'unsigned16' | 'signed16' | 'bytes';

/** Longer extremes are left out: a shortened maximum would not be a maximum. */
const MAX_STATISTIC_BYTES = 64;

/** Of `length` bytes of values; null when there are none or an extreme is too long. `bytes` is at offset 0 of its memory. */
export function minMaxOf(bytes: Buffer, length: number, order: ValueOrder): MinMax | null {
  if (length === 0) return null;
  switch (order) {
    case 'int32':
      return fixed(bytes, length, 4, (a, b) => bytes.readInt32LE(a) - bytes.readInt32LE(b));
    case 'int64':
      return minMaxOfInt64(bytes, length);
    case 'unsigned16':
      return fixed(bytes, length, 16, (a, b) => compareBytes(bytes, a, b, 16));
    case 'signed16':
      return fixed(bytes, length, 16, (a, b) => bytes.readInt8(a) - bytes.readInt8(b) || compareBytes(bytes, a, b, 16));
    case 'bytes':
      return minMaxOfByteArrays(bytes, length);
  }
}

type CompareAt = (a: number, b: number) => number;

function fixed(bytes: Buffer, length: number, width: number, compare: CompareAt): MinMax {
  let min = 0;
  let max = 0;
  for (let at = width; at < length; at += width) {
    if (compare(at, min) < 0) min = at;
    else if (compare(at, max) > 0) max = at;
  }
  return extremes(bytes, min, width, max, width);
}

function minMaxOfInt64(bytes: Buffer, length: number): MinMax {
  const low = new Uint32Array(bytes.buffer, bytes.byteOffset, length >> 2);
  const high = new Int32Array(bytes.buffer, bytes.byteOffset, length >> 2);
  // Word indices on a little-endian machine: i is the low half, i + 1 the high half.
  const compare = (a: number, b: number) =>
    (high[a + 1] as number) - (high[b + 1] as number) || (low[a] as number) - (low[b] as number);
  let min = 0;
  let max = 0;
  for (let i = 2; i < low.length; i += 2) {
    if (compare(i, min) < 0) min = i;
    else if (compare(i, max) > 0) max = i;
  }
  return extremes(bytes, min * 4, 8, max * 4, 8);
}

function minMaxOfByteArrays(bytes: Buffer, length: number): MinMax | null {
  let min = 4;
  let minLength = bytes.readUInt32LE(0);
  let max = min;
  let maxLength = minLength;
  for (let at = 0; at < length; ) {
    const size = bytes.readUInt32LE(at);
    at += 4;
    if (compareSlices(bytes, at, size, min, minLength) < 0) {
      min = at;
      minLength = size;
    } else if (compareSlices(bytes, at, size, max, maxLength) > 0) {
      max = at;
      maxLength = size;
    }
    at += size;
  }
  if (minLength > MAX_STATISTIC_BYTES || maxLength > MAX_STATISTIC_BYTES) return null;
  return extremes(bytes, min, minLength, max, maxLength);
}

function compareSlices(bytes: Buffer, a: number, aLength: number, b: number, bLength: number): number {
  return compareBytes(bytes, a, b, Math.min(aLength, bLength)) || aLength - bLength;
}

/** Most pairs differ in their first bytes: a loop beats the call into native code. */
function compareBytes(bytes: Buffer, a: number, b: number, count: number): number {
  for (let i = 0; i < count; i++) {
    const difference = (bytes[a + i] as number) - (bytes[b + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Copies the extremes, because the column's memory is reused. */
function extremes(bytes: Buffer, min: number, minLength: number, max: number, maxLength: number): MinMax {
  return {
    min: Uint8Array.from(bytes.subarray(min, min + minLength)),
    max: Uint8Array.from(bytes.subarray(max, max + maxLength)),
  };
}
