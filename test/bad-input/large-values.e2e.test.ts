// A row larger than is carried, in a first copy and in the stream: its table pauses and says why, the others never stop, and
// it comes back once the row is small again.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';
import { change, expectGoesOn, prepareTables, TABLES, tableIn } from './stand-still.ts';

describe('a row larger than source.maxRowBytes', { timeout: 300_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  const workers: WorkerProcess[] = [];
  const sql = (text: string) => withClient(url, (client) => client.query(text));
  const large = `repeat('x', 9000000)`;

  beforeAll(async () => {
    await prepareTables(url);
    await sql(`create table docs (id int primary key, name text, price int, body text);
      create table lines (name text, body text);
      insert into docs values (1, 'one', 1, 'small'), (2, 'two', 2, ${large}); insert into lines values ('first', ${large})`);
    const tables = [...TABLES, 'public.docs', 'public.lines'];
    rig = await createRig({ url, folder, tables, source: `maxRowBytes: ${4 * 1024 * 1024}` });
    workers.push(rig.start('ingest'), rig.start('warehouse'));
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  const alive = () => workers.map((worker) => worker.alive);

  test('pauses its table in the first copy, with and without a key, naming column and row', async () => {
    expect(await tableIn(rig, 'public.docs', 'paused')).toMatch(
      /public\.docs\.body has a value of 9000000 bytes.*in row 2 of its snapshot \(VALUE_TOO_LARGE\)/,
    );
    expect(await tableIn(rig, 'public.lines', 'paused')).toMatch(
      /public\.lines\.body has a value of 9000000 bytes.*row 1/,
    );
    await tableIn(rig, 'public.items', 'live');
    expect(alive()).toEqual([true, true]);
  });

  test('comes back when the row is small again', async () => {
    await sql(`update docs set body = 'small'; delete from lines`);
    for (const table of ['public.docs', 'public.lines']) await rig.signal('resyncTable', table);
    await tableIn(rig, 'public.docs', 'live');
    await tableIn(rig, 'public.lines', 'append-only');
    await expectGoesOn(rig);
  });

  test('pauses its table in the stream, naming column and position, while the others go on', async () => {
    await sql(`insert into docs values (3, 'three', 3, ${large})`);
    await change(url, 'behind the large row');
    const reason = await tableIn(rig, 'public.docs', 'paused');
    expect(reason).toMatch(
      /public\.docs\.body has a value of 9000000 bytes.*commits at [0-9A-F]+\/[0-9A-F]+ \(VALUE_TOO_LARGE\)/,
    );
    const [[name] = []] = await rig.query(`select max(name) from public.items where name = 'behind the large row'`);
    expect(name).toBe('behind the large row');
    expect(alive()).toEqual([true, true]);
  });
});
