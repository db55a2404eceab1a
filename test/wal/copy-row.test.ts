import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LargeCopyRow, layOutCopyRow, textsOf } from '../../activities/wal/copy-row.ts';
import { emptyTuple } from '../../workflows/model/tuple.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' },
};

/** As the server writes a row (CopyAttributeOutText in copyto.c). */
function written(values: readonly (string | null)[]): Buffer {
  const fields = values.map(
    (value) => value?.replaceAll(/[\\\b\f\n\r\t\v]/g, (letter) => ESCAPES[letter] ?? '') ?? '\\N',
  );
  return Buffer.from(`${fields.join('\t')}\n`);
}

/** The texts of a row that lies somewhere inside a buffer. */
function read(row: Buffer, columns: number): (string | null)[] {
  const tuple = emptyTuple(columns);
  layOutCopyRow(Buffer.concat([Buffer.from('\\a\t'), row, Buffer.from('\\\t')]), 3, 3 + row.length, tuple);
  return textsOf(tuple);
}

const value = fc.option(
  fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', '\\N', 'N', '\\', '\\\\x00ff', 'a\tb\nc', '\u000b', '\\.'),
  ),
);

describe('a row of a copy', () => {
  it('has the values that were written, wherever it lies', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (values) => {
        expect(read(written(values), values.length)).toEqual(values);
      }),
    );
  });

  it('with another number of columns is refused', () => {
    expect(() => read(written(['a', 'b']), 1)).toThrow('more than 1 columns');
    expect(() => read(written(['a', 'b']), 3)).toThrow('2 columns, not of 3');
  });
});

it('finds the largest column of a row that arrives in pieces', () => {
  const values = fc.array(fc.nat(50), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(values, fc.array(fc.nat(60), { maxLength: 20 }), (sizes, cuts) => {
      const row = Buffer.from(`${sizes.map((size) => 'x'.repeat(size)).join('\t')}\n`);
      const large = new LargeCopyRow();
      let at = 0;
      for (const size of [...cuts, row.length]) {
        const end = Math.min(row.length, at + size);
        large.push(row, at, end);
        at = end;
      }
      const bytes = Math.max(...sizes);
      expect(large.largest).toEqual({ column: sizes.indexOf(bytes), bytes });
    }),
  );
});
