import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { prepareShop, runShopTraffic } from '../../workers/demo/postgres.ts';
import { seededRandom } from '../../workers/demo/random.ts';
import { ShopTraffic } from '../../workers/demo/shop-traffic.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const database = freshDatabase();

function query<Row extends Record<string, unknown>>(sql: string): Promise<Row[]> {
  return withClient(database.url, async (client) => (await client.query<Row>(sql)).rows);
}

function traffic(url: string, rate: number) {
  const stop = new AbortController();
  const count = { rows: 0, transactions: 0 };
  const outages: string[] = [];
  const onOutage = (reason: string) => void outages.push(reason);
  const running = runShopTraffic({ url, rate, seed: 1, signal: stop.signal, onOutage }, count);
  return { stop, count, outages, running };
}

describe('the demo shop', () => {
  test('is made once, with rows in every table', async () => {
    expect(await prepareShop(database.url)).toBe(true);
    expect(await prepareShop(database.url)).toBe(false);
    for (const table of ['customers', 'products', 'orders', 'order_items', 'events']) {
      const [row] = await query<{ count: number }>(`select count(*)::int from public.${table}`);
      expect(row?.count, table).toBeGreaterThanOrEqual(100);
    }
  });

  test('keeps every description out of line', async () => {
    const [row] = await query<{ smallest: number; toast: number }>(
      `select min(pg_column_size(description))::int as smallest,
         (select pg_relation_size(reltoastrelid)::int from pg_class where oid = 'public.products'::regclass) as toast
       from public.products`,
    );
    expect(row?.smallest).toBeGreaterThan(2_048);
    expect(row?.toast).toBeGreaterThan(100 * 2_048);
  });

  test('has orders on each of the last 14 days, and totals that are the sum of their lines', async () => {
    const [row] = await query<{ days: number; wrong: number }>(
      `select count(distinct created_at::date)::int as days,
         (select count(*)::int from public.orders o
           where total <> (select sum(quantity * price) from public.order_items where order_id = o.id)) as wrong
       from public.orders`,
    );
    expect(row?.days).toBeGreaterThanOrEqual(14);
    expect(row?.wrong).toBe(0);
  });

  test('every transaction of the traffic is valid, with single rows and with bursts', async () => {
    for (const burst of [1, 5]) {
      const shop = new ShopTraffic(seededRandom(burst), { customers: 500, products: 100, orders: 2_000 }, burst);
      await withClient(database.url, async (client) => {
        for (let i = 0; i < 300; i++) {
          await client.query('begin');
          for (const { text, values } of shop.next()) await client.query(text, [...values]);
          await client.query('commit');
        }
      });
    }
  });

  test('traffic inserts, updates, deletes and moves keys, keeps its pace, and stops at once', async () => {
    const before = await changes();
    const { stop, count, running } = traffic(database.url, 400);
    await expect.poll(() => count.rows, { timeout: 20_000 }).toBeGreaterThan(1_500);
    stop.abort();
    await running;
    expect(count.transactions).toBeGreaterThan(100);
    await expect
      .poll(async () => {
        const after = await changes();
        return [after.inserted > before.inserted, after.updated > before.updated, after.deleted > before.deleted];
      })
      .toEqual([true, true, true]);
    const [moved] = await query<{ count: number }>(
      `select count(*)::int from public.order_items i where line_no > 1
         and not exists (select from public.order_items where order_id = i.order_id and line_no = 1)`,
    );
    expect(moved?.count).toBeGreaterThan(0);
  });

  test('traffic waits for a database that is away and goes on when it is back', async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
    const url = new URL(database.url);
    url.port = String(proxy.port);
    const { stop, count, outages, running } = traffic(url.href, 200);
    try {
      await expect.poll(() => count.transactions, { timeout: 10_000 }).toBeGreaterThan(5);
      proxy.refuse();
      await expect.poll(() => outages.length, { timeout: 10_000 }).toBeGreaterThan(0);
      const atOutage = count.transactions;
      await sleep(300);
      expect(count.transactions).toBe(atOutage);
      proxy.heal();
      await expect.poll(() => count.transactions, { timeout: 20_000 }).toBeGreaterThan(atOutage);
    } finally {
      stop.abort();
      await running;
      await proxy.close();
    }
  });
});

test('a database that cannot be reached is a typed failure without the password', async () => {
  const failure = await prepareShop('postgres://walflow:topsecret@127.0.0.1:1/shop').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'DEMO_UNPREPARED' });
  expect(String(failure)).not.toContain('topsecret');
});

async function changes() {
  const [row] = await query<{ inserted: number; updated: number; deleted: number }>(
    `select sum(n_tup_ins)::int as inserted, sum(n_tup_upd)::int as updated, sum(n_tup_del)::int as deleted
     from pg_stat_user_tables where schemaname = 'public'`,
  );
  return row ?? { inserted: 0, updated: 0, deleted: 0 };
}
