// A schedule from the configuration to rows: deployed, triggered, paused and removed by real commands, run by real workers,
// also when none lives at its tick.

import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ScheduleStatus } from '../../workers/http/backend.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';

const PATIENCE = { timeout: 60_000, interval: 250 };
const SCHEDULE = `schedule('nightly', { cron: '0 0 * * *', materialize: 'group:sales' }),`;
const assets = (pipeline: string) => `
    asset('sales/by_day', {
      deps: [dep('${pipeline}/public.orders', { by: 'placed' })],
      partitions: daily({ start: '2026-01-01', output: 'day' }),
      sql: \`select {start} as day, count(*) as orders from {${pipeline}/public.orders} where placed >= {start} and placed < {end}\`,
    }),
    asset('sales/total', { deps: 'sql', sql: 'select sum(orders)::BIGINT as orders from {sales/by_day}' }),`;

describe('a schedule', { timeout: 240_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  let warehouse: WorkerProcess;
  let connection: Connection;
  let client: Client;

  beforeAll(async () => {
    await withClient(url, (source) =>
      source.query(`
        create table orders(id int primary key, placed timestamptz not null);
        insert into orders select n, date_trunc('day', now(), 'UTC') - n * interval '1 hour' from generate_series(1, 60) n`),
    );
    rig = await createRig({ url, folder, tables: ['public.orders'], assets, schedules: SCHEDULE });
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

  const id = () => `walflow/${rig.pipeline}/nightly`;
  const deployed = async (...flags: readonly string[]) => {
    const { code, output } = await rig.run('deploy', ...flags);
    expect(code, output).toBe(0);
    return output.split('\n').filter((line) => line.includes(id()));
  };
  const schedules = async () => (await rig.get('/api/schedules')) as ScheduleStatus[];
  const runs = () =>
    rig.query(`select status from _walflow.runs where cause->>'kind' = 'schedule' order by created_at`);

  test('is made by deploying, and only then', async () => {
    expect(await schedules()).toMatchObject([{ name: 'nightly', state: 'missing', nextAt: null, handledAt: null }]);
    expect((await rig.run('schedule', 'trigger', 'nightly')).output).toContain('(SCHEDULE_NOT_DEPLOYED)');
    const made = [`+ ${id()}: 0 0 * * * (UTC) materialize group:sales`];
    expect(await deployed('--dry-run')).toEqual(made);
    expect(await deployed()).toEqual(made);
    expect(await deployed()).toEqual([`= ${id()} is as configured`]);
    expect(await schedules()).toMatchObject([{ state: 'active', nextAt: expect.stringContaining('T00:00:00') }]);
    expect((await rig.run('schedule', 'pause', 'nigtly')).output).toContain('did you mean nightly?');
  });

  test('that is triggered makes the day that ended last, and what reads it', async () => {
    const { code, output } = await rig.run('schedule', 'trigger', 'nightly');
    expect(code, output).toBe(0);
    await vi.waitFor(async () => expect(await runs()).toEqual([['succeeded']]), PATIENCE);
    const [today] = await rig.query(`select date_trunc('day', now())::date::varchar`);
    const days = await rig.query(`select (day::date + 1)::date::varchar, orders from sales.by_day`);
    expect(days).toEqual([[today?.[0], '24']]);
    expect(await rig.query('select orders from sales.total')).toEqual([['24']]);
  });

  test('whose tick finds no worker is run by the next one', async () => {
    await warehouse.kill();
    await client.schedule.getHandle(id()).trigger();
    warehouse = rig.start('warehouse');
    await rig.caughtUp();
    await vi.waitFor(async () => expect(await runs()).toEqual([['succeeded'], ['succeeded']]), PATIENCE);
  });

  test('stays paused over a deploy, and is removed when it is configured no more', async () => {
    expect((await rig.run('schedule', 'pause', 'nightly')).code).toBe(0);
    expect(await deployed()).toEqual([`= ${id()} is as configured, paused`]);
    expect(await schedules()).toMatchObject([{ state: 'paused', note: 'by walflow' }]);
    expect((await rig.run('schedule', 'resume', 'nightly')).code).toBe(0);
    expect(await schedules()).toMatchObject([{ state: 'active' }]);
    rig.configure({ schedules: '' });
    expect(await deployed()).toEqual([`- ${id()} is removed`]);
    await expect(client.schedule.getHandle(id()).describe()).rejects.toThrow();
  });
});
