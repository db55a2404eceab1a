import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keysIn, piecesOf, placeholderName } from '../../../workflows/model/asset/placeholder.ts';

const namesIn = (sql: string) => piecesOf(sql).flatMap((piece) => (piece.tag === 'placeholder' ? [piece.name] : []));

describe('a placeholder', () => {
  test.each([
    ['a captured table', 'from {shop/public.orders} o', ['shop/public.orders']],
    ['a name with a hyphen', 'from {shop/public.order-items}', ['shop/public.order-items']],
    ['a percent-encoded name', 'from {shop/public.line%2Eitems}', ['shop/public.line%2Eitems']],
    ['a name of other letters, with a blank', 'from {shop/public.größe xl}', ['shop/public.größe xl']],
    ['bounds', 'x >= {start} and x<{end}', ['start', 'end']],
    ['blanks inside of the braces', 'from { a/b }', ['a/b']],
    ['one inside of a struct literal', "select {'n': (select max(x) from {a/b})}", ['a/b']],
    ['one behind a text with a quote in it', "select 'it''s', {start}", ['start']],
    ['one behind an escape text', String.raw`select E'\'{no}', e'', x'', {start}`, ['start']],
    ['one behind a comment', 'select 1 -- {no}\nfrom {a/b}', ['a/b']],
    ['one behind a comment in a comment', '/* {no} /* */ {no} */ from {a/b}', ['a/b']],
    ['one behind an operator that looks like a comment', 'select 4 /2, 3 -2 from {a/b}', ['a/b']],
    ['one behind a lone dollar', 'select a$b$c from {a/b} where x = $1', ['a/b']],
  ])('is %s', (_, sql, names) => expect(namesIn(sql)).toEqual(names));

  test.each([
    ['a struct literal', "select {'a': 1}, {a: 1}, {\"a\": x}, {'a': {'b': 2}}"],
    ['an empty map', 'select map {}, map { }'],
    ['a map', 'select map {1: 2, 3: 4}'],
    ['a text', `select '{a/b}', regexp_matches(x, '^\\d{3}$'), 'it''s {a/b}'`],
    ['an escape text', String.raw`select E'\'{a/b}'`],
    ['a quoted name', 'select "{a/b}", "x""{a/b}"'],
    ['a dollar-quoted text', "select $${a/b} ' $$, $t$ {a/b} $$ {a/b} $t$"],
    ['a comment', 'select 1 -- {a/b}'],
    ['a block comment', 'select 1 /* {a/b} /* {a/b} */ {a/b} */'],
    ['a comment without an end', 'select 1 /* {a/b}'],
  ])('is never %s', (_, sql) => expect(namesIn(sql)).toEqual([]));

  test('names every key, whatever letters it has', () => {
    const key = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => text.trim() === text && !text.includes('%'));
    fc.assert(
      fc.property(key, (name) => {
        expect(namesIn(`from {${placeholderName(name)}}`)).toEqual([placeholderName(name)]);
        expect(keysIn(`from {${placeholderName(name)}}, {${placeholderName(name)}}`)).toEqual([name]);
      }),
    );
  });
});

test('keys in SQL are each named once, without bounds', () => {
  const sql = "from {a/b} join {shop/public.line%2Eitems} using (x) join {a/b} b on b.y >= {start} where z = '{c/d}'";
  expect(keysIn(sql)).toEqual(['a/b', 'shop/public.line%2Eitems']);
});

test('the pieces are the SQL, cut', () => {
  const sql = fc.array(
    fc.constantFrom("'", '"', '{', '}', 'a/b', '$$', '$t$', '--', '\n', '/*', '*/', ':', ' ', 'E', '\\'),
  );
  fc.assert(
    fc.property(sql, (words) => {
      const text = words.join('');
      const again = piecesOf(text).map((piece) => (piece.tag === 'text' ? piece.text : `{${piece.name}}`));
      expect(again.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
    }),
    { numRuns: 5_000 },
  );
});
