// A source that is not the server it was: promoted, put back to a backup, or rid of the log its slot needed. What shares
// the lake's history is followed on, anything else stops the pipeline before it mixes two histories.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { freshPostgres } from '../support/postgres-server.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';
import { LakeObjects } from './lake-object.ts';
import { change, expectGoesOn, prepareTables, reasonWith, TABLES } from './stand-still.ts';

describe('a source that changed', { timeout: 300_000 }, () => {
  const folder = freshFolder();
  const server = freshPostgres(folder);
  let rig: Rig;
  let ingest: WorkerProcess;

  const sql = (...statements: readonly string[]) =>
    withClient(server.url(), async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  const lastManifest = async () => {
    const lake = new LakeObjects(rig);
    return JSON.parse((await lake.read((await lake.list('log/')).at(-1) ?? '')).toString());
  };

  beforeAll(async () => {
    await prepareTables(server.url());
    rig = await createRig({ url: server.url(), folder, tables: TABLES });
    ingest = rig.start('ingest');
    rig.start('warehouse');
    await rig.caughtUp();
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  test('a promoted standby that has everything the lake has goes on in the same epoch', async () => {
    await change(server.url(), 'before the promotion');
    await rig.caughtUp();
    expect(await lastManifest()).toMatchObject({ epochNo: 1, timeline: 1 });
    await server.stop();
    await server.startPromoted();
    await change(server.url(), 'on the new timeline');
    await expectGoesOn(rig);
    expect(await lastManifest()).toMatchObject({ epochNo: 1, timeline: 2 });
  });

  test('a server put back to a backup is refused, also when it has written on beyond the lake’s end', async () => {
    await server.stop();
    await server.backUp();
    await server.start();
    await change(server.url(), 'not in the backup');
    await expectGoesOn(rig);
    await server.stop();
    await server.restore();
    await server.start();
    await reasonWith(rig, 'SOURCE_RESTORED');
    await change(server.url(), 'another history');
    await sql('select pg_switch_wal()', `insert into items (name) values ('beyond the end of the lake')`);
    expect(await reasonWith(rig, 'SOURCE_FORKED')).toContain('walflow slot recreate');
    expect(await rig.run('slot', 'recreate', rig.pipeline)).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });

  test('a standby promoted before it had everything the lake has is refused', async () => {
    await server.stop();
    await server.restore();
    await server.startPromoted();
    await sql('select pg_switch_wal()', `insert into items (name) values ('on another branch')`);
    await reasonWith(rig, 'SOURCE_FORKED');
    expect(await rig.run('slot', 'recreate', rig.pipeline)).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });

  test('a slot whose log the server removed is lost, and made again', async () => {
    await ingest.stop();
    const switches = Array.from({ length: 6 }, (_, i) => [
      `insert into items (name) values ('segment ${i}')`,
      'select pg_switch_wal()',
    ]).flat();
    await sql(`alter system set max_slot_wal_keep_size = '16MB'`, 'select pg_reload_conf()');
    await vi.waitFor(async () => {
      await sql(...switches, 'checkpoint');
      await withClient(server.url(), async (client) => {
        const { rows } = await client.query('select wal_status from pg_replication_slots');
        expect(rows).toEqual([{ wal_status: 'lost' }]);
      });
    });
    ingest = rig.start('ingest');
    expect(await reasonWith(rig, 'SLOT_LOST')).toContain('walflow slot recreate');
    expect(await rig.run('slot', 'recreate', rig.pipeline)).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });
});
