import { expect, test } from 'vitest';
import { queriedWarehouse, warehouseNamed } from '../../workers/status/warehouse-choice.ts';

const opened = (...names: readonly string[]) => new Map(names.map((name) => [name, `warehouse ${name}`]));

test('a pipeline is answered from its own warehouse and from no other', () => {
  expect(warehouseNamed(opened('main', 'other'), 'other')).toBe('warehouse other');
  expect(() => warehouseNamed(opened('main'), 'other')).toThrow('no warehouse other is open here');
});

test('a query goes to the warehouse of the assets, or to the only one', () => {
  expect(queriedWarehouse(opened('first', 'main'))).toBe('warehouse main');
  expect(queriedWarehouse(opened('only'))).toBe('warehouse only');
});

test('among several warehouses of other names a query is not answered from whichever came first', () => {
  expect(() => queriedWarehouse(opened('first', 'second'))).toThrow(
    expect.objectContaining({ code: 'WAREHOUSE_UNKNOWN', message: expect.stringContaining('first, second') }),
  );
});
