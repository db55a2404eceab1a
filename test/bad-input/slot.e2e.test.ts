// A slot that cannot go on where the lake ends: the pipeline stands still before it reads a single change, says why, and
// is equal again after what the hint names. Real workers, a real server.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';
import { change, expectGoesOn, prepareTables, reasonWith, seen, TABLES } from './stand-still.ts';

describe('a slot that is not the lake’s', { timeout: 300_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  let slot: string;
  let ingest: WorkerProcess;

  const sql = (text: string, ...values: string[]) => withClient(url, (client) => client.query(text, values));

  beforeAll(async () => {
    await prepareTables(url);
    rig = await createRig({ url, folder, tables: TABLES });
    slot = `walflow_${rig.pipeline}`;
    await sql(`select pg_create_logical_replication_slot($1, 'pgoutput')`, slot);
    ingest = rig.start('ingest');
    rig.start('warehouse');
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  test('one made by someone else is not touched; once it is dropped, the pipeline begins', async () => {
    expect(await reasonWith(rig, 'SLOT_FOREIGN')).toContain(slot);
    await sql('select pg_drop_replication_slot($1)', slot);
    await expectGoesOn(rig);
  });

  test('one that was dropped is not made again by itself: its changes would be missing', async () => {
    await ingest.stop();
    await sql('select pg_drop_replication_slot($1)', slot);
    await change(url, 'while the slot was gone');
    ingest = rig.start('ingest');
    expect(await reasonWith(rig, 'SLOT_MISSING')).toContain('walflow slot recreate');
    const { durableLsn } = await seen(rig);
    await change(url, 'while the pipeline stood still');
    expect((await seen(rig)).durableLsn).toBe(durableLsn);
    expect(await rig.run('slot', 'recreate', rig.pipeline)).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });

  test('one that a stranger read from has a gap behind the lake’s end', async () => {
    await ingest.stop();
    await change(url, 'read by a stranger');
    const taken = await sql(
      `select lsn from pg_logical_slot_get_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', $2)`,
      slot,
      slot,
    );
    expect(taken.rowCount, 'messages the pipeline will never see').toBeGreaterThan(0);
    ingest = rig.start('ingest');
    expect(await reasonWith(rig, 'SLOT_GAP')).toContain('walflow slot recreate');
    expect(await rig.run('slot', 'recreate', rig.pipeline)).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });

  test('one of another program with the same name is left alone', async () => {
    await ingest.stop();
    await sql('select pg_drop_replication_slot($1)', slot);
    await sql(`select pg_create_logical_replication_slot($1, 'test_decoding')`, slot);
    ingest = rig.start('ingest');
    expect(await reasonWith(rig, 'SLOT_FOREIGN')).toContain('test_decoding');
    expect(await rig.run('slot', 'drop', rig.pipeline)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/test_decoding.*\(SLOT_FOREIGN\)/),
    });
    await sql('select pg_drop_replication_slot($1)', slot);
    expect(await rig.run('slot', 'recreate', rig.pipeline)).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });
});
