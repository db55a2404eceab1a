// The assets of the recorded pipelines. ⚠ What they say never changes: a fixture's file knows them by the hash of their code.

import type { AssetDefinition } from '../../workflows/model/asset/definition.ts';

export const FIXTURE_PIPELINE = 'shop';

const BY_DAY = `select date_trunc('day', created_at) as day, sum(total) as revenue from {shop/public.orders}
where created_at >= {start} and created_at < {end} group by 1`;
const DAILY = { kind: 'daily', start: '2026-01-01', output: 'day' } as const;
const ORDERS = { key: 'shop/public.orders', by: 'created_at' };

export const FIXTURE_ASSETS: readonly AssetDefinition[] = [
  {
    key: 'analytics/revenue_by_day',
    deps: [ORDERS],
    partitions: DAILY,
    automation: { kind: 'eager' },
    sql: BY_DAY,
  },
  {
    key: 'analytics/summary',
    deps: ['analytics/revenue_by_day'],
    automation: { kind: 'eager' },
    sql: 'select count(*) as days, sum(revenue) as revenue from {analytics/revenue_by_day}',
  },
  {
    key: 'analytics/items',
    deps: ['shop/public.line%2Eitems'],
    automation: { kind: 'eager' },
    sql: 'select sku, count(*) as lines from {shop/public.line%2Eitems} group by 1',
  },
  // Runs by hand only: what is due of it stays due.
  { key: 'analytics/by_hand', deps: [ORDERS], partitions: DAILY, sql: BY_DAY },
];
