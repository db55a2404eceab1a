import { expect, test } from 'vitest';
import { assetInputs } from '../../activities/warehouse/asset-order.ts';
import { assetSelect, codeVersionOf } from '../../activities/warehouse/duckdb/assets/asset-sql.ts';
import { downstreamRules, touchRules } from '../../activities/warehouse/touch-rule.ts';
import type { AssetDefinition } from '../../workflows/model/asset.ts';

const pipelines = new Set(['shop']);
const partitions = { kind: 'daily', start: '2026-01-01', dep: 'created_at', output: 'day' } as const;
const daily: AssetDefinition = {
  key: 'a/daily',
  deps: ['shop/public.orders'],
  partitions,
  sql: 'from {shop/public.orders} where t >= {start} and t < {end}',
};
const joined: AssetDefinition = { ...daily, key: 'a/joined', deps: ['shop/public.orders', 'shop/public.items'] };
const above: AssetDefinition = {
  key: 'b/c/above',
  deps: ['a/daily'],
  sql: `select {'x': 1} as s from {a/daily} -- done`,
};
const assets = [daily, joined, above];

test('a daily asset with one input is touched day by day, one with two as a whole', () => {
  expect(touchRules(assets, 'shop', pipelines)).toEqual([
    { asset: 'a/daily', table: 'public.orders', column: 'created_at', start: '2026-01-01' },
    { asset: 'a/joined', table: 'public.orders', column: null, start: null },
    { asset: 'a/joined', table: 'public.items', column: null, start: null },
  ]);
  expect(touchRules(assets, 'other', new Set(['other']))).toEqual([]);
  expect(downstreamRules(assets, 'a/daily')).toEqual([
    { asset: 'b/c/above', table: 'a/daily', column: null, start: null },
  ]);
});

test('the SQL of an asset gets its tables and its range, and keeps its struct literals', () => {
  expect(assetSelect(daily, assetInputs(daily, assets, pipelines), '2026-12-31')).toBe(
    `select * from (\nfrom "public"."orders" where t >= TIMESTAMPTZ '2026-12-31 00:00:00+00' and t < TIMESTAMPTZ '2027-01-01 00:00:00+00'\n)`,
  );
  expect(assetSelect(above, assetInputs(above, assets, pipelines), null)).toContain(
    `select {'x': 1} as s from "a"."daily" -- done\n)`,
  );
});

test('a name in braces that is no dependency is refused, and so is a dependency nobody declares', () => {
  expect(() => assetSelect({ ...above, sql: 'from {a/dialy}' }, assetInputs(above, assets, pipelines), null)).toThrow(
    '{a/dialy}',
  );
  expect(() => assetSelect(above, [], '2026-01-01')).toThrow('{a/daily}');
  expect(() => assetInputs({ ...above, deps: ['a/dialy'] }, assets, pipelines)).toThrow('a/dialy');
});

test('the code version changes with everything that decides the rows and with nothing else', () => {
  expect(codeVersionOf({ ...daily, freshness: { warnAfter: '1 minute', failAfter: '2 minutes' } })).toBe(
    codeVersionOf(daily),
  );
  const changed = [
    { ...daily, sql: 'from x' },
    joined,
    { ...daily, partitions: { ...partitions, output: 'd' } },
    { ...daily, table: 'x.y' },
  ];
  expect(new Set([daily, ...changed].map(codeVersionOf)).size).toBe(5);
});
