// Parquet's hybrid of run-length and bit-packing: how levels and dictionary indices are stored.
// Spec: https://github.com/apache/parquet-format/blob/master/Encodings.md#run-length-encoding--bit-packing-hybrid-rle--3

/** One run: `count` times the same value. */
export function runLength(value: number, count: number, bitWidth: number): Buffer {
  const valueBytes = (bitWidth + 7) >> 3;
  const out = Buffer.alloc(5 + valueBytes);
  const at = writeVarint(out, 0, count * 2);
  if (valueBytes > 0) out.writeUIntLE(value, at, valueBytes);
  return out.subarray(0, at + valueBytes);
}

/** Runs one after another: `values[i]` as often as the difference between `starts[i + 1]` (last: `total`) and `starts[i]`. */
export function runLengths(starts: readonly number[], total: number, bitWidth: number): Buffer {
  const valueBytes = (bitWidth + 7) >> 3;
  const out = Buffer.allocUnsafe(starts.length * (5 + valueBytes));
  let at = 0;
  for (let i = 0; i < starts.length; i++) {
    at = writeVarint(out, at, ((starts[i + 1] ?? total) - (starts[i] ?? 0)) * 2);
    if (valueBytes > 0) at = out.writeUIntLE(i, at, valueBytes);
  }
  return out.subarray(0, at);
}

/** One bit-packed run of already packed one-bit values. */
export function packedBits(bits: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(5 + bits.length);
  const at = writeVarint(out, 0, bits.length * 2 + 1);
  out.set(bits, at);
  return out.subarray(0, at + bits.length);
}

/** One bit-packed run of `count` small values, one per byte of `values`; `bitWidth` is 1, 2 or 4. */
export function packedValues(values: Uint8Array, count: number, bitWidth: 1 | 2 | 4): Buffer {
  const groups = Math.ceil(count / 8);
  const out = Buffer.alloc(5 + groups * bitWidth);
  const first = writeVarint(out, 0, groups * 2 + 1);
  for (let i = 0; i < count; i++) {
    const bit = i * bitWidth;
    const at = first + (bit >> 3);
    out[at] = (out[at] as number) | ((values[i] as number) << (bit & 7));
  }
  return out.subarray(0, first + groups * bitWidth);
}

/** Bits needed for dictionary indices 0 to `count - 1`. */
export function bitWidthOf(count: number): number {
  return count <= 1 ? 0 : 32 - Math.clz32(count - 1);
}

/** Unsigned LEB128 of at most 32 bits. */
function writeVarint(out: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value >>> 0;
  while (rest > 127) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}
