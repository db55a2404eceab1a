import fc from 'fast-check';
import { expect, it } from 'vitest';
import { csvFields } from '../../activities/wal/csv-row.ts';

/** As the server writes a row with `format csv, force_quote *`. */
const written = (values: readonly (string | null)[]) =>
  values.map((value) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)).join(',');

const value = fc.option(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '"', '""', ',', 'a"\n,b')));

it('takes a row apart into the values that were written, wherever it lies', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (values) => {
      const row = Buffer.from(written(values));
      const fields = csvFields(Buffer.concat([Buffer.from('",'), row, Buffer.from('",')]), 2, 2 + row.length);
      expect(fields.map((field) => field?.toString() ?? null)).toEqual(values);
    }),
  );
});

it.each([
  ['without quotes', 'a,"b"'],
  ['whose quote does not end', '"a'],
])('refuses a value %s', (_, text) => {
  expect(() => csvFields(Buffer.from(text), 0, text.length)).toThrow('the server sent');
});
