import fc from 'fast-check';
import { expect, test } from 'vitest';
import { minMaxOf, type ValueOrder } from '../../../activities/lake/parquet/column-statistics.ts';

/** The oracle sorts the values themselves. */
function check<T>(
  order: ValueOrder,
  values: readonly T[],
  plain: (value: T) => Buffer,
  sorted: readonly T[],
  skip = 0,
) {
  const bytes = Buffer.concat(values.map(plain));
  const padded = Buffer.allocUnsafeSlow(bytes.length + 8);
  bytes.copy(padded);
  const found = minMaxOf(padded, bytes.length, order);
  expect(Buffer.from(found?.min ?? []).toString('hex')).toBe(
    plain(sorted[0] as T)
      .subarray(skip)
      .toString('hex'),
  );
  expect(Buffer.from(found?.max ?? []).toString('hex')).toBe(
    plain(sorted.at(-1) as T)
      .subarray(skip)
      .toString('hex'),
  );
}

const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};
const byteArray = (value: Uint8Array) => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return Buffer.concat([length, value]);
};

test('extremes of 32-bit and 64-bit integers', () => {
  const value64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(fc.array(fc.oneof(value64, fc.bigInt({ min: -9n, max: 9n })), { minLength: 1 }), (values) => {
      check(
        'int64',
        values,
        int64,
        values.toSorted((a, b) => (a < b ? -1 : Number(a > b))),
      );
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const int32 = (value: number) => int64(BigInt(value)).subarray(0, 4);
      check(
        'int32',
        values,
        int32,
        values.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('extremes of 16-byte values, unsigned for uuids and signed for decimals', () => {
  const value = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), (values) => {
      check('unsigned16', values, (bytes) => bytes, values.toSorted(Buffer.compare));
      const signed = (bytes: Buffer) => bytes.readBigInt64BE(0) * 2n ** 64n + bytes.readBigUInt64BE(8);
      check(
        'signed16',
        values,
        (bytes) => bytes,
        values.toSorted((a, b) => (signed(a) < signed(b) ? -1 : 1)),
      );
    }),
  );
});

test('extremes of byte arrays, where a prefix comes before what it begins', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 6, max: 3 }), { minLength: 1 }), (values) => {
      check('bytes', values, byteArray, values.toSorted(Buffer.compare), 4);
    }),
  );
});

test('none where an extreme is longer than 64 bytes, or there is no value', () => {
  const long = byteArray(Buffer.alloc(65, 0x61));
  const short = byteArray(Buffer.from('b'));
  expect(minMaxOf(Buffer.concat([long, short]), long.length + short.length, 'bytes')).toBeNull();
  expect(minMaxOf(Buffer.alloc(0), 0, 'bytes')).toBeNull();
});
