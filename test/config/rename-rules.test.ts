import { expect, test } from 'vitest';
import { project, refused } from './sample-project.ts';

const revenue = (more: object = {}) => ({
  ...{ key: 'analytics/revenue', deps: ['shop/public.orders'], sql: 'select 1 from {shop/public.orders}' },
  ...more,
});

test.each<[string, readonly object[], string, string]>([
  [
    'it was what another asset still is',
    [revenue(), revenue({ key: 'x/y', previousKeys: ['analytics/revenue'] })],
    'assets[1].previousKeys[0] names analytics/revenue, which is the key of an asset',
    'leave out one',
  ],
  [
    'two were the same one before',
    [revenue({ previousKeys: ['a/b'] }), revenue({ key: 'x/y', previousKeys: ['z/z', 'a/b'] })],
    'assets[1].previousKeys[1] names a/b, as asset analytics/revenue does',
    'only one',
  ],
  [
    'it reads an asset by the key that it had',
    [revenue({ previousKeys: ['finance/sales'] }), revenue({ key: 'x/y', deps: ['finance/sales'], sql: 'x' })],
    'assets[1].deps[0] names finance/sales, which does not exist',
    'did you mean analytics/revenue?',
  ],
])('an asset is refused when %s', (_, assets, message, hint) => {
  const failure = refused(project({ assets }));
  expect(failure.message).toContain(message);
  expect(failure.hint).toContain(hint);
});
