import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../workers/demo/random.ts';
import { ShopTraffic, type ShopTransaction } from '../../workers/demo/shop-traffic.ts';

const IDS = { customers: 500, products: 100, orders: 2_000 };

function transactions(seed: number, count: number, burst = 1): readonly ShopTransaction[] {
  const shop = new ShopTraffic(seededRandom(seed), IDS, burst);
  return Array.from({ length: count }, () => shop.next());
}

describe('shop traffic', () => {
  test('is the same for the same seed and another for another', () => {
    expect(transactions(1, 200)).toEqual(transactions(1, 200));
    expect(transactions(1, 200)).not.toEqual(transactions(2, 200));
  });

  test('makes every kind of change within a few hundred transactions', () => {
    const texts = transactions(7, 500)
      .flat()
      .map(({ text }) => text);
    for (const start of [
      'insert into public.orders',
      'insert into public.order_items',
      'insert into public.customers',
      'insert into public.events',
      'update public.orders set status',
      'update public.orders set created_at',
      'update public.products set price',
      'update public.products set description',
      'update public.customers',
      'update public.order_items\nset line_no',
      'delete from public.order_items',
      'delete from public.orders',
    ]) {
      expect(
        texts.some((text) => text.startsWith(start)),
        start,
      ).toBe(true);
    }
  });

  test('spans several tables in one transaction', () => {
    expect(transactions(3, 50).some((statements) => statements.length > 1)).toBe(true);
  });

  test('grows its transactions, not their number, with the burst', () => {
    const rows = (burst: number) => transactions(5, 200, burst).flat().length;
    expect(rows(4)).toBeGreaterThan(rows(1) * 1.5);
  });

  test('carries every value as a parameter', () => {
    for (const { text, values } of transactions(9, 300).flat()) {
      expect(new Set(text.match(/\$\d+/g)).size).toBe(values.length);
    }
  });
});
