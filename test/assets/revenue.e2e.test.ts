// The derived asset of the shop, from the commit to its record: only touched days are recomputed, nothing runs without a
// change, and what a run read is on record. Real worker processes.

import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';
import {
  DAYS,
  expectRecordsInLake,
  expectRevenue,
  expectTrueInputs,
  ORDERS_PER_DAY,
  prepareOrders,
  REVENUE,
  recordsOf,
  revenueAsset,
  settled,
} from './shop-revenue.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
/** Far less than the checker's minute: the run was started by the ring of the merge. 2 s on a machine of its own. */
const RUNG_WITHIN_MS = 30_000;
/** Busy for seconds inside of the warehouse, whatever the orders are. */
const SLOW = 'analytics/slow';
const slowAsset = (pipeline: string) => `
    asset('${SLOW}', {
      deps: ['${pipeline}/public.orders'],
      automation: eager(),
      sql: \`select count(*) as orders, (select count(*) from range(20000) a(x), range(20000) b(y) where (x * y) % 7 = 1) as work
             from {${pipeline}/public.orders}\`,
    }),`;

describe('a derived asset', { timeout: 240_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  let warehouse: WorkerProcess;
  let connection: Connection;
  let client: Client;

  beforeAll(async () => {
    await prepareOrders(url);
    rig = await createRig({ url, folder, tables: ['public.orders', 'public.events'], assets: revenueAsset() });
    connection = await Connection.connect({ address: rig.temporalAddress });
    client = new Client({ connection, namespace: rig.namespace });
    rig.start('ingest');
    warehouse = rig.start('warehouse');
    await rig.caughtUp();
  }, 180_000);
  afterAll(async () => {
    await rig?.close();
    await connection?.close();
  });

  const sql = (text: string) => withClient(url, (source) => source.query(text));
  /** The records a change led to, once everything is settled. */
  const recordsAfter = async (change: () => Promise<unknown>): Promise<readonly Materialization[]> => {
    const before = new Set((await recordsOf(rig, REVENUE)).map(({ id }) => id));
    await change();
    await settled(rig);
    return (await recordsOf(rig, REVENUE)).filter(({ id }) => !before.has(id));
  };
  const daysOf = (records: readonly Materialization[]) =>
    [...new Set(records.map((record) => record.partition))].sort();

  test('the first copy makes every day', async () => {
    await settled(rig);
    const records = await recordsOf(rig, REVENUE);
    expect(daysOf(records)).toEqual([...DAYS]);
    await expectRevenue(rig);
    await expectTrueInputs(rig, records);
  });

  test('a row that moves to another day makes both days again, and no other', async () => {
    const records = await recordsAfter(() =>
      sql(`update orders set created_at = '${DAYS[3]} 23:59:59.999999Z', total = 99.99 where id = 1`),
    );
    expect(daysOf(records)).toEqual([DAYS[0], DAYS[3]]);
    expect(records.map(({ rows }) => rows)).toEqual(records.map(() => 1));
    await expectRevenue(rig);
    await expectTrueInputs(rig, await recordsOf(rig, REVENUE));
  });

  test('the run is rung for by the merge that touched its input, and its history agrees with its record', async () => {
    const [record] = await recordsAfter(() => sql(`update orders set total = total + 1 where id = 30`));
    expect(record?.partition).toBe(DAYS[1]);
    expect(record?.workflowId).toMatch(/^run\/\d{8}T\d{6}-[0-9a-f]{6}$/);
    const handle = client.workflow.getHandle(record?.workflowId ?? '', record?.runId);
    const { startTime, status } = await vi.waitFor(async () => {
      const description = await handle.describe();
      expect(description.status.name).toBe('COMPLETED');
      return description;
    }, PATIENCE);
    expect(status.name).toBe('COMPLETED');
    // The record names the manifest of the change; the window that merged it is in the ledger.
    const seq = record?.inputs[0]?.seqTo;
    const [window] = await rig.query(
      `select epoch_ms(merged_at) from _walflow.ledger where seq_from <= ${seq} and seq_to >= ${seq}`,
    );
    const afterMs = startTime.getTime() - Number(window?.[0]);
    expect(afterMs).toBeGreaterThanOrEqual(0);
    expect(afterMs).toBeLessThan(RUNG_WITHIN_MS);
    expect(await handle.result()).toEqual({ status: 'succeeded', partitions: 1, rows: 1 });
  });

  test('no change, no run: neither another table nor a ring starts one', async () => {
    const records = await recordsAfter(async () => {
      await sql(`insert into events(note) select 'x' from generate_series(1, 500)`);
      await sql(`update events set note = 'y'`);
      await rig.caughtUp();
      const automation = client.workflow.getHandle(`automation/${rig.pipeline}`);
      await automation.signal('event');
      await vi.waitFor(async () => {
        const events = (await automation.fetchHistory()).events ?? [];
        expect(events.at(-1)?.timerStartedEventAttributes, 'it looked and waits').toBeTruthy();
      }, PATIENCE);
    });
    expect(records).toEqual([]);
    await expectRevenue(rig);
  });

  test('a rolled back change starts nothing', async () => {
    const records = await recordsAfter(() =>
      withClient(url, async (source) => {
        await source.query('begin');
        await source.query('update orders set total = 0');
        await source.query('rollback');
      }),
    );
    expect(records).toEqual([]);
  });

  test('a day that loses all its rows is empty', async () => {
    const records = await recordsAfter(() =>
      sql(`delete from orders where created_at >= '${DAYS[4]} 00:00Z' and created_at < '2026-03-06 00:00Z'`),
    );
    expect(daysOf(records)).toEqual([DAYS[4]]);
    expect(records.at(0)?.rows).toBe(0);
    await expectRevenue(rig);
    const [days] = await rig.query('select count(*) from analytics.revenue_by_day');
    expect(days).toEqual([String(DAYS.length - 1)]);
  });

  test('new code makes every day again; its records say that nothing new was read', async () => {
    const [old] = await recordsOf(rig, REVENUE);
    const records = await recordsAfter(async () => {
      await warehouse.stop();
      rig.configure({ assets: revenueAsset('sum(total) * 2') });
      warehouse = rig.start('warehouse');
      await rig.caughtUp();
    });
    expect(daysOf(records), 'the empty one as well').toEqual(DAYS);
    expect(records.map(({ codeVersion }) => codeVersion)).not.toContain(old?.codeVersion);
    expect(new Set(records.map(({ codeVersion }) => codeVersion)).size).toBe(1);
    await expectRevenue(rig, 'sum(total) * 2');
    await expectTrueInputs(rig, await recordsOf(rig, REVENUE));
  });

  test('the same code after a restart makes no day again', async () => {
    const records = await recordsAfter(async () => {
      await warehouse.stop();
      warehouse = rig.start('warehouse');
      await rig.caughtUp();
    });
    expect(records).toEqual([]);
  });

  test('the last record of each day and partition is an object of the lake', async () => {
    await vi.waitFor(async () => await expectRecordsInLake(rig, await recordsOf(rig, REVENUE)), PATIENCE);
  });

  test('kill -9 of the warehouse while an asset is recomputed: nothing half done, then done once', async () => {
    await warehouse.stop();
    rig.configure({ assets: (pipeline) => revenueAsset('sum(total) * 2')(pipeline) + slowAsset(pipeline) });
    warehouse = rig.start('warehouse');
    // The workflow's activity has started, so the SQL of the slow asset is under way.
    await vi.waitFor(async () => expect(await isUnderWay()).toBe(true), { ...PATIENCE, interval: 20 });
    await warehouse.kill();
    expect(await isUnderWay(), 'the run was in flight when its process died').toBe(true);
    warehouse = rig.start('warehouse');
    await sql(`delete from orders where id = 2`);
    await settled(rig);
    const records = await recordsOf(rig, SLOW);
    const first = records.at(-1);
    expect(first).toMatchObject({ workflowId: slowRun, partition: null, rows: 1 });
    expect(first?.attempt, 'the attempt that died left no record').toBeGreaterThanOrEqual(2);
    const [orders] = await rig.query('select orders from analytics.slow');
    expect(orders).toEqual([String(DAYS.length * ORDERS_PER_DAY - ORDERS_PER_DAY - 1)]);
    await expectRevenue(rig, 'sum(total) * 2');
    await expectTrueInputs(rig, records);
    await vi.waitFor(async () => {
      const all = [...(await recordsOf(rig, REVENUE)), ...(await recordsOf(rig, SLOW))];
      await expectRecordsInLake(rig, all);
    }, PATIENCE);
  });

  let slowRun = '';
  /** Whether a worker has taken the step of the slow asset, which is due because it is new. */
  const isUnderWay = async (): Promise<boolean> => {
    for await (const { workflowId } of client.workflow.list({
      query: `WorkflowType = 'run' and ExecutionStatus = 'Running'`,
    })) {
      const { raw } = await client.workflow.getHandle(workflowId).describe();
      slowRun = workflowId;
      if (raw.pendingActivities?.some(({ lastStartedTime }) => lastStartedTime) === true) return true;
    }
    return false;
  };
});
