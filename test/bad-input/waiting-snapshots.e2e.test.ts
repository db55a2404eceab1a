// Snapshots that wait for old transactions hold up nobody else and say whom they wait for; a table that loses its key makes
// the application's updates fail for a moment only.

import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig } from '../support/rig.ts';
import { expectGoesOn, prepareTables, seen, TABLES, tableIn } from './stand-still.ts';

describe('beside applications that are at work', { timeout: 300_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  const keyless = ['public.log_1', 'public.log_2', 'public.log_3', 'public.log_4'];
  let rig: Rig;
  const sql = (text: string) => withClient(url, (client) => client.query(text));

  beforeAll(async () => {
    await prepareTables(url);
    rig = await createRig({ url, folder, tables: ['public.*'] });
    rig.start('ingest');
    rig.start('warehouse');
    await expectGoesOn(rig);
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  /** Runs the work while a transaction of another database is open. */
  async function withForeignTransaction(work: (client: pg.Client) => Promise<void>): Promise<void> {
    await withClient(inject('servers').postgresUrl, async (client) => {
      await client.query(`set application_name = 'nightly job'; begin; select pg_current_xact_id()`);
      await work(client);
      await client.query('rollback');
    });
  }

  test('tables without a key wait for a transaction of any database; a table with a key does not wait for them', async () => {
    await withForeignTransaction(async () => {
      await sql(
        `${keyless.map((table) => `create table ${table} (line text); insert into ${table} values ('x')`).join(';')}`,
      );
      await sql(`create table late (id int primary key); insert into late values (1)`);
      await rig.signal('resume');
      await tableIn(rig, 'public.late', 'live');
      await expect
        .poll(
          async () =>
            (await seen(rig)).tables.filter(({ table }) => keyless.includes(table)).map(({ reason }) => reason),
          {
            timeout: 60_000,
            interval: 500,
          },
        )
        .toEqual(keyless.map(() => expect.stringMatching(/waits? for (transactions|its turn)/)));
      const reasons = (await seen(rig)).tables.map(({ reason = '' }) => reason);
      expect(reasons.some((reason) => /pid \d+ \(nightly job, user \w+, database postgres/.test(reason))).toBe(true);
    });
    for (const table of keyless) await tableIn(rig, table, 'append-only');
  });

  test.each([
    ['items', 'alter table items drop constraint items_pkey'],
    ['others', 'alter table others replica identity nothing'],
  ])('updates of %s fail for a moment only, after: %s', async (table, ddl) => {
    await tableIn(rig, `public.${table}`, 'live');
    await sql(ddl);
    const brokenMs = performance.now();
    for (;;) {
      const worked = await sql(`update ${table} set price = price + 1 where name like '%1'`).then(
        () => true,
        () => false,
      );
      if (worked) break;
      expect(performance.now() - brokenMs, 'updates still fail').toBeLessThan(10_000);
      await sleep(50);
    }
    await tableIn(rig, `public.${table}`, 'append-only');
    expect(TABLES).toContain(`public.${table}`);
  });
});
