import { expect, test } from 'vitest';
import { assetSelect, codeVersionOf } from '../../../activities/warehouse/duckdb/assets/asset-sql.ts';
import type { Bound } from '../../../activities/warehouse/duckdb/partition-sql.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';

const partitions = { kind: 'daily', start: '2026-01-01', output: 'day' } as const;
const orders = { key: 'shop/public.orders', by: 'created_at' };
const daily: AssetDefinition = {
  key: 'a/daily',
  deps: [orders],
  partitions,
  sql: 'from {shop/public.orders} where t >= {start} and t < {end}',
};
const above = { key: 'b/c/above', deps: ['a/daily'], sql: `select {'x': 1} as s, '{a/daily}' as t from {a/daily}; ` };
const graph = buildAssetGraph([daily, above], new Set(['shop']));

test('the SQL of an asset gets its tables and the bounds of its partition, and keeps what is its own', () => {
  expect(assetSelect(graph.asset('a/daily'), { key: '2026-12-31', bound: { type: 'TIMESTAMPTZ' } })).toBe(
    `select * from (\nfrom "public"."orders" where t >= make_timestamptz(1798675200000000) and t < make_timestamptz(1798761600000000)\n)`,
  );
  expect(assetSelect(graph.asset('b/c/above'), null)).toBe(
    `select * from (\nselect {'x': 1} as s, '{a/daily}' as t from "a"."daily"\n)`,
  );
  expect(() => assetSelect(graph.asset('a/daily'), null)).toThrow('{start} without a partition');
});

test.each<[Bound, string, string]>([
  [{ type: 'DATE' }, `DATE '2026-10-25'`, `DATE '2026-10-26'`],
  [{ type: 'TIMESTAMPTZ' }, 'make_timestamptz(1792879200000000)', 'make_timestamptz(1792969200000000)'],
  [{ type: 'TIMESTAMP' }, 'make_timestamp(1792879200000000)', 'make_timestamp(1792969200000000)'],
  [
    { type: 'TIMESTAMP', zone: 'Europe/Berlin' },
    'make_timestamp(1792886400000000)',
    'make_timestamp(1792972800000000)',
  ],
])('bounds are of the type of the column: %o', (bound, start, end) => {
  const sql = 'select {start}, {end}, {partition} from {shop/public.orders}';
  const berlin = { ...daily, partitions: { ...partitions, timezone: 'Europe/Berlin' }, sql };
  const asset = buildAssetGraph([berlin], new Set(['shop'])).asset('a/daily');
  expect(assetSelect(asset, { key: '2026-10-25', bound })).toContain(`select ${start}, ${end}, '2026-10-25' from`);
});

test('the code version of daily assets is what it was in version 0.1.0', () => {
  expect(codeVersionOf(daily)).toBe('795c48c00487');
  expect(codeVersionOf({ ...daily, partitions: { ...partitions, timezone: 'UTC' } })).toBe('795c48c00487');
});

test('the code version changes with everything that decides the rows and with nothing else', () => {
  expect(codeVersionOf({ ...daily, freshness: { warnAfter: '1 minute', failAfter: '2 minutes' } })).toBe(
    codeVersionOf(daily),
  );
  const changed = [
    { ...daily, sql: 'from x' },
    { ...daily, deps: [orders, 'shop/public.items'] },
    { ...daily, deps: [{ ...orders, by: 'updated_at' }] },
    { ...daily, partitions: { ...partitions, output: 'd' } },
    { ...daily, partitions: { ...partitions, timezone: 'Europe/Berlin' } },
    { ...daily, partitions: { ...partitions, end: '2027-01-01' } },
    { ...daily, deps: [{ ...orders, zone: 'Europe/Berlin' }] },
    { ...daily, table: 'x.y' },
  ];
  expect(new Set([daily, ...changed].map(codeVersionOf)).size).toBe(9);
});

test('the code of a view is a part of the code of what reads it, also through another view', () => {
  const view = { kind: 'view', key: 'v/one', deps: ['shop/public.orders'], sql: 'from {shop/public.orders}' } as const;
  const two = { kind: 'view', key: 'v/two', deps: ['v/one'], sql: 'from {v/one}' } as const;
  const reader = { key: 'r/r', deps: ['v/two'], sql: 'from {v/two}' };
  const codeWith = (one: object) =>
    codeVersionOf(buildAssetGraph([{ ...view, ...one }, two, reader], new Set(['shop'])).asset('r/r').definition);
  expect(codeWith({ description: 'x', table: 'x.y' })).toBe(codeWith({}));
  expect(codeWith({ sql: 'select 1 from {shop/public.orders}' })).not.toBe(codeWith({}));
});

test('the code of a seed is the content of its file, and how it is read', () => {
  const seed = { path: '/a.csv', format: 'csv', delimiter: ',', hash: 'abc' } as const;
  const codeWith = (more: object) =>
    codeVersionOf({ key: 'r/s', deps: [], sql: '', kind: 'seed', seed: { ...seed, ...more } });
  expect(codeWith({ path: '/elsewhere/b.csv' })).toBe(codeWith({}));
  const changed = [{}, { hash: 'abd' }, { delimiter: ';' }, { columns: { a: 'DATE' } }].map(codeWith);
  expect(new Set(changed).size).toBe(4);
});
