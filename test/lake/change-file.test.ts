import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChangeFileEncoder } from '../../activities/lake/change-file.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { emptyTuple, NULL_LENGTH } from '../../workflows/model/tuple.ts';
import { rowOf } from '../support/row.ts';
import { capturedTable, OID } from './captured-table.ts';
import { appendText } from './text-row.ts';

const TABLE = capturedTable([
  ['id', OID.int4],
  ['note', OID.text],
  ['flag', OID.bool],
  ['total', OID.int8],
]);
const GOOD = ['1', 'note', 't', '7'] as const;

const failureOf = (work: () => void): unknown => {
  try {
    work();
    return null;
  } catch (failure) {
    return failure;
  }
};

test('a refused value is named by table and column, never by its text', () => {
  const encoder = new ChangeFileEncoder(TABLE);
  encoder.beginTransaction(1n, 0, 1);
  const failure = failureOf(() => appendText(encoder, 0, ['1', 'fine', 't', 'secret']));
  expect(failure).toBeInstanceOf(WalflowError);
  expect(failure).toMatchObject({ code: 'VALUE_NOT_EXACT' });
  expect(String(failure)).toContain('public.t.total');
  expect(String(failure)).not.toContain('secret');
});

test('a refused row leaves no trace, whichever of its columns is refused', async () => {
  const rows = fc.array(
    fc.record({
      values: fc.tuple(...GOOD.map((good) => fc.constantFrom(good, null))),
      badColumn: fc.constantFrom(null, 0, 2, 3),
    }),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(rows, async (plan) => {
      const [tried, clean] = [new ChangeFileEncoder(TABLE), new ChangeFileEncoder(TABLE)];
      plan.forEach(({ values, badColumn }, i) => {
        tried.beginTransaction(BigInt(i), i, i);
        if (badColumn === null) {
          clean.beginTransaction(BigInt(i), i, i);
          appendText(clean, i, values);
          appendText(tried, i, values);
        } else {
          const spoiled = values.map((value, column) => (column === badColumn ? 'bad' : value));
          expect(failureOf(() => appendText(tried, i, spoiled))).toMatchObject({ code: 'VALUE_NOT_EXACT' });
        }
        expect(tried.rows).toBe(clean.rows);
        expect(tried.bytes).toBe(clean.bytes);
      });
      const [a, b] = [await tried.finish(), await clean.finish()];
      expect(a.bytes.equals(b.bytes)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('bytes grow with what is held and go back to zero', () => {
  const encoder = new ChangeFileEncoder(TABLE);
  encoder.beginTransaction(1n, 0, 1);
  appendText(encoder, 0, ['1', 'x'.repeat(1000), 't', null]);
  expect(encoder.bytes).toBeGreaterThan(1000);
  encoder.reset();
  expect([encoder.bytes, encoder.rows]).toEqual([0, 0]);
});

test('a finished encoder takes no row before reset', async () => {
  const encoder = new ChangeFileEncoder(TABLE);
  encoder.beginTransaction(1n, 0, 1);
  appendText(encoder, 0, GOOD);
  await encoder.finish();
  expect(failureOf(() => appendText(encoder, 1, GOOD))).toMatchObject({ code: 'INTERNAL' });
  encoder.reset();
  encoder.beginTransaction(1n, 0, 1);
  appendText(encoder, 0, GOOD);
  expect(encoder.rows).toBe(1);
});

test('what finish returned stays as it is while the encoder is used again', async () => {
  const encoder = new ChangeFileEncoder(TABLE);
  encoder.beginTransaction(1n, 0, 1);
  appendText(encoder, 0, GOOD);
  const { bytes } = await encoder.finish();
  const before = Buffer.from(bytes);
  encoder.reset();
  encoder.beginTransaction(2n, 0, 1);
  for (let i = 0; i < 100; i++) appendText(encoder, i, ['2', 'other', 'f', '9']);
  expect(bytes.equals(before)).toBe(true);
});

test('a column beyond what a page can hold is refused before anything is allocated, and the row with it', () => {
  const encoder = new ChangeFileEncoder(TABLE);
  encoder.beginTransaction(1n, 0, 1);
  appendText(encoder, 0, GOOD);
  const lengths = Int32Array.of(1, 2 ** 31 - 1, -1, -1);
  const append = () => encoder.append('i', 1, false, { ...rowOf(GOOD), lengths });
  expect(failureOf(append)).toMatchObject({ code: 'CHANGE_FILE_FULL' });
  expect(encoder.rows).toBe(1);
});

test('of a source without an encoding, a text that is not UTF-8 is refused by name, and leaves no trace', async () => {
  const encoder = new ChangeFileEncoder(TABLE, true);
  const row = emptyTuple(4);
  row.buffer = Buffer.from('1\xe9\xfft', 'latin1');
  row.starts.set([0, 1, 3, 0]);
  row.lengths.set([1, 2, 1, NULL_LENGTH]);
  const failure = failureOf(() => encoder.append('r', 0, false, row));
  expect(failure).toMatchObject({ code: 'VALUE_NOT_EXACT', message: expect.stringContaining('not UTF-8') });
  expect(encoder.rows).toBe(0);
  appendText(encoder, 0, GOOD);
  const clean = new ChangeFileEncoder(TABLE);
  appendText(clean, 0, GOOD);
  expect((await encoder.finish()).sha256).toBe((await clean.finish()).sha256);
});
