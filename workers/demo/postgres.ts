// Creates the demo shop in a database and keeps its traffic going: paced, reconnecting, stopped within a second. It plays
// the application: it only commits, and knows nothing of walflow.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { WalflowError } from '../../workflows/model/errors.ts';
import { seededRandom } from './random.ts';
import { SHOP_SCHEMA_SQL, SHOP_SEED_SQL } from './shop-schema.ts';
import { type ShopIds, ShopTraffic, type ShopTransaction } from './shop-traffic.ts';

export interface ShopTrafficOptions {
  readonly url: string;
  /** Rows per second to aim for, in all tables together. */
  readonly rate: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Called once per outage with the reason; traffic goes on by itself when the database is back. */
  readonly onOutage: (reason: string) => void;
}

/** What has been committed so far; read while the traffic runs. */
export interface ShopTrafficCount {
  rows: number;
  transactions: number;
}

/** Above this rate transactions get larger, not more frequent: one connection commits a few hundred times a second. */
const RATE_PER_BURST = 500;
/** After a stall at most this much is caught up. */
const MAX_BEHIND_MS = 1_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
const TICK_MS = 5;

/**
 * Creates the five tables and their first rows in one transaction; a shop that exists is left as it is.
 * @returns true when the shop was created now.
 * @throws WalflowError DEMO_UNPREPARED
 */
export async function prepareShop(url: string): Promise<boolean> {
  const client = connectionTo(url);
  try {
    await client.connect();
    const found = await client.query(`select to_regclass('public.customers') is not null as exists`);
    if (found.rows[0]?.exists === true) return false;
    await client.query(`begin; ${SHOP_SCHEMA_SQL} ${SHOP_SEED_SQL} commit`);
    return true;
  } catch (cause) {
    throw new WalflowError('DEMO_UNPREPARED', `the demo shop could not be created: ${reasonOf(cause)}`, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Commits shop transactions until the signal aborts; resolves within a second of it. Waits out an outage of the database
 * with backoff. Keeps `count` current.
 */
export async function runShopTraffic(options: ShopTrafficOptions, count: ShopTrafficCount): Promise<void> {
  const { signal } = options;
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const before = count.transactions;
    try {
      await trafficOverOneConnection(options, count);
    } catch (failure) {
      if (signal.aborted) return;
      options.onOutage(reasonOf(failure));
      if (count.transactions > before) retryMs = FIRST_RETRY_MS;
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }
}

async function trafficOverOneConnection(options: ShopTrafficOptions, count: ShopTrafficCount): Promise<void> {
  const { rate, seed, signal } = options;
  const client = connectionTo(options.url);
  const hangUp = () => void client.end().catch(() => undefined);
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    await client.connect();
    const burst = Math.max(1, Math.round(rate / RATE_PER_BURST));
    const shop = new ShopTraffic(seededRandom(seed + count.transactions), await readIds(client), burst);
    let dueMs = performance.now();
    while (!signal.aborted) {
      dueMs = Math.max(dueMs, performance.now() - MAX_BEHIND_MS);
      if (dueMs > performance.now()) {
        await sleep(TICK_MS);
        continue;
      }
      const rows = await commit(client, shop.next());
      count.rows += rows;
      count.transactions += 1;
      dueMs += (Math.max(1, rows) * 1_000) / rate;
    }
  } finally {
    signal.removeEventListener('abort', hangUp);
    await client.end().catch(() => undefined);
  }
}

/** @returns rows changed */
async function commit(client: pg.Client, transaction: ShopTransaction): Promise<number> {
  let rows = 0;
  await client.query('begin');
  for (const statement of transaction) {
    const result = await client.query(statement.text, [...statement.values]);
    rows += result.rowCount ?? 0;
  }
  await client.query('commit');
  return rows;
}

async function readIds(client: pg.Client): Promise<ShopIds> {
  const { rows } = await client.query<{
    readonly customers: number;
    readonly products: number;
    readonly orders: number;
  }>(
    `select ${['customers', 'products', 'orders']
      .map((table) => `coalesce(pg_sequence_last_value('public.${table}_id_seq'), 1)::int as ${table}`)
      .join(', ')}`,
  );
  return rows[0] ?? { customers: 1, products: 1, orders: 1 };
}

function connectionTo(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'walflow demo traffic',
    connectionTimeoutMillis: 5_000,
  });
  // Without a listener, losing the server would end the whole process; the next query reports the loss anyway.
  client.on('error', () => undefined);
  return client;
}

/** PostgreSQL's own text, or Node's for a refused connection (an AggregateError has an empty message). */
function reasonOf(failure: unknown): string {
  if (failure instanceof AggregateError) return failure.errors.map(reasonOf).join('; ');
  return failure instanceof Error ? failure.message : String(failure);
}
