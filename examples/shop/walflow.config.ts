// A shop's database, followed row by row into DuckDB, and its revenue per day kept current.
// `walflow dev --demo` runs exactly this file against a small shop with live traffic.

import { asset, daily, defineConfig, dep, duckdb, eager, schedule } from 'walflow';

export default defineConfig({
  name: 'shop',
  warehouses: { main: duckdb({ path: process.env.WALFLOW_DEMO_WAREHOUSE ?? './warehouse.duckdb' }) },

  pipelines: {
    shop: {
      source: {
        url: process.env.DATABASE_URL ?? 'postgres://walflow:walflow@127.0.0.1:5438/shop',
        tables: ['public.*'],
      },
      lake: { url: process.env.WALFLOW_LAKE_URL ?? 's3://walflow/raw/cdc' },
    },
  },

  assets: [
    asset('analytics/revenue_by_day', {
      description: 'Order value per day',
      owners: ['team:finance'],
      tags: { tier: 'gold' },
      deps: [dep('shop/public.orders', { by: 'created_at' })],
      partitions: daily({ start: '2026-01-01', output: 'day' }),
      automation: eager(),
      freshness: { warnAfter: '2 minutes', failAfter: '5 minutes' },
      sql: `
        select date_trunc('day', created_at) as day, sum(total) as revenue
        from {shop/public.orders}
        where created_at >= {start} and created_at < {end}
        group by 1`,
    }),
  ],

  // Once more each night, whatever has changed: the day that has ended.
  schedules: [schedule('nightly', { cron: '15 2 * * *', timezone: 'Europe/Berlin', materialize: 'group:analytics' })],
});
