// A backfill of 2,000 partitions over two layers, with every worker killed three times and the source changing all along. Real
// worker processes.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { BackfillDetail } from '../../activities/warehouse/backfill-order.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig } from '../support/rig.ts';

const DAYS = 1_000;
const ROWS_PER_DAY = 5;
const KILLS = 3;
const PATIENCE = { timeout: 120_000, interval: 250 };
/** Also long after the last day: no partition of today, which nobody would have filled. */
const SCHEMA = `
  create table orders(id bigint primary key, total numeric(12,2) not null, created_at timestamptz not null);
  insert into orders select n, n * 1.25, timestamptz '2020-01-01 06:00Z' + (n % ${DAYS}) * interval '1 day'
    from generate_series(1, ${DAYS * ROWS_PER_DAY}) n`;
const assets = (pipeline: string) => `
  asset('analytics/by_day', {
    deps: [dep('${pipeline}/public.orders', { by: 'created_at' })],
    partitions: daily({ start: '2020-01-01', end: '2022-09-27', output: 'day' }),
    sql: \`select date_trunc('day', created_at) as day, sum(total) as revenue, count(*) as orders
      from {${pipeline}/public.orders} where created_at >= {start} and created_at < {end} group by 1\`,
  }),
  asset('analytics/doubled', {
    deps: ['analytics/by_day'],
    partitions: daily({ start: '2020-01-01', end: '2022-09-27', output: 'day' }),
    sql: \`select day, revenue * 2 as revenue from {analytics/by_day} where day >= {start} and day < {end}\`,
  }),`;

const { url } = freshDatabase();
const folder = freshFolder();
let rig: Rig;

beforeAll(async () => {
  await withClient(url, (client) => client.query(SCHEMA));
  rig = await createRig({ url, folder, tables: ['public.orders'], assets });
}, 120_000);
afterAll(() => rig?.close());

test('ends with every partition current, computed once, upstream before downstream', { timeout: 600_000 }, async () => {
  let workers = [rig.start('ingest'), rig.start('warehouse')];
  await rig.caughtUp();
  const traffic = moveOrders();
  const started = await rig.run('backfill', 'analytics/*', '--json');
  const { id, assets: planned } = JSON.parse(started.output) as { id: string; assets: { partitions: number }[] };
  expect(planned.map(({ partitions }) => partitions)).toEqual([DAYS, DAYS]);
  for (let kill = 1; kill <= KILLS; kill++) {
    await reached(id, (kill * 2 * DAYS) / (KILLS + 1));
    await Promise.all(workers.map((worker) => worker.kill()));
    workers = [rig.start('ingest'), rig.start('warehouse')];
  }
  await reached(id, 2 * DAYS);
  const done = await vi.waitFor(async () => {
    const detail = await detailOf(id);
    expect(detail.status).not.toBe('running');
    return detail;
  }, PATIENCE);
  expect(done).toMatchObject({ status: 'succeeded', failures: [] });
  expect(
    await rig.query(`select count(*)::int, max(n)::int from (select count(*) as n from _walflow.materializations
    group by asset, partition)`),
    'each partition has one record',
  ).toEqual([[String(2 * DAYS), '1']]);
  expect(
    await rig.query(`select count(*)::int from _walflow.materializations below join _walflow.materializations above
    on above.partition = below.partition where below.asset = 'analytics/by_day' and above.asset = 'analytics/doubled'
    and above.no < below.no`),
    'none before what it reads',
  ).toEqual([['0']]);

  await traffic.stop();
  await rig.caughtUp();
  expect(traffic.moves, 'the source changed all along').toBeGreaterThan(20);
  const again = await rig.run('backfill', 'analytics/*', '--only-stale', '--wait');
  expect(again, again.output).toMatchObject({ code: 0 });
  await expectRevenue();
  expect((await rig.run('backfill', 'analytics/*', '--only-stale')).output).toBe('nothing to compute\n');
  expect((await rig.run('backfill', 'analytics/*', '--only-missing')).output).toBe('nothing to compute\n');
});

/** Orders move between days until it is stopped. */
function moveOrders() {
  const traffic = { moves: 0, stop: async () => {} };
  let isStopped = false;
  const moving = withClient(url, async (client) => {
    while (!isStopped) {
      traffic.moves += 1;
      await client.query(
        `update orders set total = total + 1, created_at = timestamptz '2020-01-01 07:00Z' + $1 % ${DAYS} * interval '1 day'
         where id = $2`,
        [traffic.moves * 7, 1 + ((traffic.moves * 131) % (DAYS * ROWS_PER_DAY))],
      );
      await sleep(50);
    }
  });
  traffic.stop = async () => {
    isStopped = true;
    await moving;
  };
  return traffic;
}

const detailOf = async (id: string) => (await rig.get(`/api/backfills/${id}`)) as BackfillDetail;

/** So many partitions are done: asked of whoever answers. */
async function reached(id: string, partitions: number): Promise<void> {
  await vi.waitFor(async () => {
    const { assets: counts, failures } = await detailOf(id);
    expect(failures).toEqual([]);
    expect(counts.reduce((sum, { done }) => sum + done, 0)).toBeGreaterThanOrEqual(partitions);
  }, PATIENCE);
}

async function expectRevenue(): Promise<void> {
  const source = await withClient(url, async (client) => {
    const text = `select (created_at at time zone 'UTC')::date::text, sum(total)::numeric(38,2)::text from orders
      group by 1 order by 1`;
    return (await client.query<string[]>({ text, rowMode: 'array' })).rows;
  });
  const revenueOf = async (table: string, factor: number) =>
    await rig.query(
      `select day::date::varchar, (revenue / ${factor})::decimal(38,2)::varchar from ${table} order by 1`,
    );
  expect(source.length).toBeGreaterThan(DAYS / 2);
  expect(await revenueOf('analytics.by_day', 1)).toEqual(source);
  expect(await revenueOf('analytics.doubled', 2)).toEqual(source);
}
