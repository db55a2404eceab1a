// The shop's derived asset over a small table of orders, and what a stranger would compute from the source.

import { expect, vi } from 'vitest';
import type { AssetStatus } from '../../workers/http/backend.ts';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import { withClient } from '../support/database.ts';
import { lakeJson, lakeKeys } from '../support/lake-audit.ts';
import type { Rig } from '../support/rig.ts';

export const REVENUE = 'analytics/revenue_by_day';
export const DAYS = ['2026-03-01', '2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05'] as const;
export const ORDERS_PER_DAY = 20;

const PATIENCE = { timeout: 150_000, interval: 250 };
const PAGE = 200;
const SCHEMA = `
  create table orders(id bigint primary key, total numeric(12,2) not null, created_at timestamptz not null);
  create table events(id bigint generated always as identity primary key, note text);
  insert into orders
    select row_number() over (), n * 1.25, day + n * interval '1 hour'
    from unnest(array[${DAYS.map((day) => `timestamptz '${day} 00:00Z'`).join(', ')}]) day, generate_series(1, ${ORDERS_PER_DAY}) n`;

export const prepareOrders = (url: string) => withClient(url, (client) => client.query(SCHEMA));

/** The asset of examples/shop; `amount` is the SQL that a change of code changes. */
export const revenueAsset =
  (amount = 'sum(total)') =>
  (pipeline: string) =>
    `
    asset('${REVENUE}', {
      deps: [dep('${pipeline}/public.orders', { by: 'created_at' })],
      partitions: daily({ start: '2026-01-01', output: 'day' }),
      automation: eager({ onCodeChange: 'all' }),
      sql: \`select date_trunc('day', created_at) as day, ${amount} as revenue from {${pipeline}/public.orders}
             where created_at >= {start} and created_at < {end} group by 1\`,
    }),`;

/** Newest first. */
export async function recordsOf(rig: Rig, asset: string): Promise<readonly Materialization[]> {
  return (await rig.get(`/api/assets/${asset}/materializations?limit=${PAGE}`)) as Materialization[];
}

/** Waits until everything committed so far is merged and nothing is due any more. */
export async function settled(rig: Rig): Promise<void> {
  await rig.caughtUp();
  await vi.waitFor(async () => {
    const assets = (await rig.get('/api/assets')) as AssetStatus[];
    expect(assets.filter(({ kind, status }) => kind === 'derived' && status !== 'current')).toEqual([]);
  }, PATIENCE);
}

/** The asset equals what its SQL says of the source. */
export async function expectRevenue(rig: Rig, amount = 'sum(total)'): Promise<void> {
  const source = await withClient(rig.url, async (client) => {
    const sql = `select (created_at at time zone 'UTC')::date::text, (${amount})::numeric(38,2)::text from orders group by 1 order by 1`;
    return (await client.query<string[]>({ text: sql, rowMode: 'array' })).rows;
  });
  const warehouse = await rig.query(
    'select day::date::varchar, revenue::decimal(38,2)::varchar from analytics.revenue_by_day order by day',
  );
  expect(warehouse).toEqual(source);
}

/** A record tells the watermark its transaction read at: an end of a window of the ledger, and the record before it. */
export async function expectTrueInputs(rig: Rig, records: readonly Materialization[]): Promise<void> {
  const ledger = await rig.query('select seq_to, lsn_to from _walflow.ledger');
  const ends = new Set(
    ledger.map(
      ([seq, lsn]) =>
        `${seq} ${BigInt(lsn ?? 0)
          .toString(16)
          .padStart(16, '0')}`,
    ),
  );
  const byPartition = new Map<string | null, Materialization[]>();
  for (const record of [...records].reverse())
    byPartition.set(record.partition, [...(byPartition.get(record.partition) ?? []), record]);
  for (const chain of byPartition.values()) {
    chain.forEach((record, i) => {
      const [input] = record.inputs;
      const [before] = chain[i - 1]?.inputs ?? [];
      expect(record.inputs).toHaveLength(1);
      expect(input?.asset).toBe(`${rig.pipeline}/public.orders`);
      expect(ends, 'the watermark of a merge').toContain(`${input?.seqTo} ${input?.lsnTo}`);
      expect(input?.seqFrom).toBe((before?.seqTo ?? 0) + 1);
      expect(input?.lsnFrom).toBe(before?.lsnTo ?? '0000000000000000');
    });
  }
}

/** The lake has the warehouse's last record of each partition and day, and no other. @param records newest first */
export async function expectRecordsInLake(rig: Rig, records: readonly Materialization[]): Promise<void> {
  const wanted: Record<string, unknown> = {};
  for (const record of records) {
    const { asset, partition, at } = record;
    const name = [asset, ...(partition === null ? [] : [partition])].map(encodeURIComponent).join('/');
    wanted[`records/dt=${at.slice(0, 10)}/${name}.json`] ??= { formatVersion: 1, kind: 'materialization', ...record };
  }
  const keys = await lakeKeys(rig, 'records');
  const stored = await Promise.all(keys.map(async (key) => [key, await lakeJson(rig, key)]));
  expect(Object.fromEntries(stored)).toEqual(wanted);
}
