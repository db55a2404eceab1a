import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csv, textTable } from '../../workers/text/table.ts';

describe('textTable', () => {
  test('aligns columns and ends no line with blanks', () => {
    const table = textTable(
      [{ name: 'table' }, { name: 'rows', align: 'right' }],
      [
        ['public.orders', '12'],
        ['a', '3,456'],
      ],
    );
    expect(table).toBe(
      ['table           rows', '─────────────  ─────', 'public.orders     12', 'a              3,456'].join('\n'),
    );
  });

  test('a value with control characters cannot move the cursor of the terminal', () => {
    const table = textTable([{ name: 'v' }], [['a\nb\u001b[2J\u009b\u007f\u202e']]);
    expect(table.split('\n')[2]).toBe('a\\nb\\u{1b}[2J\\u{9b}\\u{7f}\\u{202e}');
  });

  test('cuts wide cells with an ellipsis', () => {
    expect(textTable([{ name: 'v' }], [['x'.repeat(100)]]).split('\n')[2]).toBe(`${'x'.repeat(59)}…`);
  });

  test('has one line per row whatever the values are', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('a', '\n', '\r', '\u001b', '\u009b', '\u2028', 'é', '😀'),
      maxLength: 80,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(nasty, nasty), { maxLength: 5 }), (rows) => {
        expect(textTable([{ name: 'a' }, { name: 'b' }], rows).split('\n')).toHaveLength(rows.length + 2);
      }),
    );
  });
});

describe('csv', () => {
  test('keeps NULL and the empty text apart and quotes what needs it', () => {
    expect(
      csv(
        ['a', 'b'],
        [
          [null, ''],
          ['x,y', 'say "hi"'],
          ['line\nbreak', 'plain'],
        ],
      ),
    ).toBe('a,b\n,""\n"x,y","say ""hi"""\n"line\nbreak",plain');
  });
});
