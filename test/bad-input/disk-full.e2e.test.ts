// The warehouse's disk is full: first there is no room for a change file, then none for DuckDB. Nothing is lost, ingest goes
// on, and the warehouse is equal once there is room again.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '../support/small-disk.ts';
import { change, expectGoesOn, expectTablesEqual, prepareTables, reasonWith, TABLES } from './stand-still.ts';

const MB = 1024 * 1024;
const PATIENCE = { timeout: 60_000, interval: 500 };
const unable = await whyNoSmallDisk();

describe('a full disk', { timeout: 300_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let disk: SmallDisk;
  let rig: Rig;
  let warehouse: WorkerProcess;

  /** Rows that compression does not make smaller. */
  const insert = (count: number) =>
    withClient(url, (client) =>
      client.query(
        `insert into items (name) select (select string_agg(md5(random()::text), '') from generate_series(1, 30) where i > 0)
         from generate_series(1, ${count}) i`,
      ),
    );

  beforeAll(async () => {
    if (unable !== null) return;
    await prepareTables(url);
    disk = await mountSmallDisk(join(folder, 'small'), 40 * MB);
    const env = { WALFLOW_HOME: join(folder, 'small', 'home') };
    rig = await createRig({ url, folder, tables: TABLES, env, warehouse: 'small/warehouse.duckdb' });
    rig.start('ingest');
    warehouse = rig.start('warehouse', disk.launcher);
    await rig.caughtUp();
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
    await disk?.close();
  });

  test('with no room for a change file the merge waits, and goes on when there is room', async ({ skip }) => {
    skip(unable !== null, unable ?? '');
    disk.fill(MB);
    await insert(4_000);
    expect(await reasonWith(rig, 'WAREHOUSE_DISK_FULL')).toContain('no space is left');
    disk.free();
    await expectGoesOn(rig);
  });

  test('with no room for DuckDB a merge is undone as a whole; it is done when there is room', async ({ skip }) => {
    skip(unable !== null, unable ?? '');
    disk.fill(3 * MB);
    await insert(3_000);
    await change(url, 'behind a full disk');
    // DuckDB may give its file up: the process then ends, saying so, and is started again like any other.
    await vi.waitFor(async () => {
      if (warehouse.alive)
        expect(await reasonWith(rig, 'WAREHOUSE_DISK_FULL')).toContain('the disk of the warehouse file');
      else expect(await warehouse.exited).toBe(1);
    }, PATIENCE);
    disk.free();
    if (!warehouse.alive) warehouse = rig.start('warehouse', disk.launcher);
    await expectGoesOn(rig);
    await expectTablesEqual(rig, TABLES);
  });
});
