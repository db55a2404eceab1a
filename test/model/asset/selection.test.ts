import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SelectableAsset, selectAssets } from '../../../workflows/model/asset/selection.ts';
import { parseSelection } from '../../../workflows/model/asset/selection-parser.ts';

const captured = (table: string, status = 'current'): SelectableAsset => ({
  ...{ key: `shop/public.${table}`, deps: ['shop/lake'], kind: 'captured', group: 'shop', pipeline: 'shop', status },
});
const derived = (key: string, deps: readonly string[], more: Partial<SelectableAsset> = {}): SelectableAsset => ({
  ...{ key, deps, kind: 'derived', group: key.split('/').slice(0, -1).join('/'), status: 'current' },
  ...more,
});

// orders ─ stg/orders ─ mart/revenue ─ mart/report
// users ── stg/users ───┘
const ASSETS: readonly SelectableAsset[] = [
  captured('orders'),
  captured('users'),
  captured('size xl', 'missing'),
  derived('stg/orders', ['shop/public.orders'], { tags: { tier: 'silver' }, owners: ['team:ingest'] }),
  derived('stg/users', ['shop/public.users'], { status: 'stale' }),
  derived('mart/revenue', ['stg/orders', 'stg/users'], { tags: { tier: 'gold', pii: '' }, owners: ['team finance'] }),
  derived('mart/eu/report', ['mart/revenue'], { status: 'missing' }),
];

const selected = (text: string) => selectAssets(parseSelection(text), ASSETS).map(({ key }) => key);

describe('a selection selects', () => {
  const orders = ['shop/public.orders', 'stg/orders', 'mart/revenue', 'mart/eu/report'];
  const users = ['shop/public.users', 'stg/users', 'mart/revenue', 'mart/eu/report'];
  test.each<[string, readonly string[]]>([
    ['mart/revenue', ['mart/revenue']],
    ['stg/*', ['stg/orders', 'stg/users']],
    ['*orders', ['shop/public.orders', 'stg/orders']],
    ['nothing/*', []],
    ['"shop/public.size xl"', ['shop/public.size xl']],
    ['+stg/orders', ['shop/public.orders', 'stg/orders']],
    ['shop/public.orders+', orders],
    ['1+mart/revenue', ['stg/orders', 'stg/users', 'mart/revenue']],
    ['0+mart/revenue', ['mart/revenue']],
    ['stg/users+1', ['stg/users', 'mart/revenue']],
    ['2+mart/revenue+1', [...new Set([...orders, ...users])].toSorted()],
    ['+stg/users+', users],
    ['group:mart', ['mart/revenue', 'mart/eu/report']],
    ['group:mart/eu', ['mart/eu/report']],
    ['tag:tier', ['stg/orders', 'mart/revenue']],
    ['tag:tier=gold', ['mart/revenue']],
    ['tag:pii=', ['mart/revenue']],
    ['tag:constructor', []],
    ['owner:team:ingest', ['stg/orders']],
    ['owner:"team finance"', ['mart/revenue']],
    ['kind:captured and status:missing', ['shop/public.size xl']],
    ['pipeline:shop', ['shop/public.orders', 'shop/public.users', 'shop/public.size xl']],
    ['roots()', ['shop/public.orders', 'shop/public.users', 'shop/public.size xl']],
    ['sinks()', ['shop/public.size xl', 'mart/eu/report']],
    ['roots(kind:derived)', ['stg/orders', 'stg/users']],
    ['sinks(stg/* or mart/revenue)', ['mart/revenue']],
    ['not kind:captured and not group:mart', ['stg/orders', 'stg/users']],
    ['stg/orders or stg/users and status:current', ['stg/orders']],
    ['(stg/orders or stg/users) and status:stale', ['stg/users']],
    ['not not stg/orders', ['stg/orders']],
    ['+(stg/orders or stg/users)', ['shop/public.orders', 'shop/public.users', 'stg/orders', 'stg/users']],
    ['not stg/orders+', ['shop/public.orders', 'shop/public.users', 'shop/public.size xl', 'stg/users']],
  ])('%s', (text, keys) => {
    expect(selected(text).toSorted()).toEqual([...keys].toSorted());
  });

  test('in the order of the assets, whatever its own', () => {
    expect(selected('mart/revenue or stg/users or shop/public.orders')).toEqual([
      ...['shop/public.orders', 'stg/users', 'mart/revenue'],
    ]);
  });
});

describe('a selection that cannot be read says where', () => {
  test.each([
    ['', '▸', 'expected an asset, but it ends'],
    ['a and', 'a and▸', 'expected an asset, but it ends'],
    ['a or or b', 'a or ▸or b', 'expected an asset'],
    ['a b', 'a ▸b', 'expected and, or, or the end'],
    ['(a or b', '(a or b▸', 'expected ")", but it ends'],
    ['a)', 'a▸)', 'expected and, or, or the end'],
    ['++a', '+▸+a', 'expected an asset'],
    ['a+ b', 'a+ ▸b', 'expected and, or, or the end'],
    ['"a', '▸"a', 'expected an asset'],
    ['roots(', 'roots(▸', 'expected an asset, but it ends'],
    ['a and gruop:x', 'a and ▸gruop:x', '"gruop" is none of group, tag, owner, kind, pipeline, status'],
  ])('%s', (text, marked, what) => {
    expect(() => parseSelection(text)).toThrow(`the selection ${marked} cannot be read at ▸: ${what}`);
  });

  test('or that there is no such asset', () => {
    expect(() => selected('stg/orders or stg/order')).toThrow('there is no asset "stg/order"');
  });
});

const term: fc.Arbitrary<string> = fc.letrec<{ term: string }>((tie) => ({
  term: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('stg/orders', 'stg/*', 'group:mart', 'status:stale', 'roots()', '+mart/revenue', 'stg/users+1'),
    tie('term').map((one) => `not (${one})`),
    fc.tuple(tie('term'), fc.constantFrom('and', 'or'), tie('term')).map(([a, word, b]) => `(${a}) ${word} (${b})`),
  ),
})).term;

test('any selections follow the rules of sets', () => {
  fc.assert(
    fc.property(term, term, (a, b) => {
      const [inA, inB] = [new Set(selected(a)), new Set(selected(b))];
      expect(new Set(selected(`(${a}) or (${b})`))).toEqual(inA.union(inB));
      expect(selected(`not ((${a}) or (${b}))`)).toEqual(selected(`not (${a}) and not (${b})`));
    }),
  );
});
