// Someone alters at the source what the log says nothing of: a publication, a key, a partition, a table that is asked for
// by name. The tables concerned are copied again and equal afterwards; the others never stop.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { readLog } from '../support/lake-audit.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';
import { change, expectGoesOn, expectTablesEqual, prepareTables, seen, TABLES } from './stand-still.ts';

describe('a source that is altered by someone else', { timeout: 300_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  let ingest: WorkerProcess;

  const sql = (text: string) => withClient(url, (client) => client.query(text));
  const publication = () => `walflow_${rig.pipeline}`;
  const captured = async () =>
    (await readLog(rig.prefix, rig.pipeline)).findLast(({ capture }) => capture !== null)?.capture ?? [];
  const copyOf = async (table: string) => (await captured()).find((entry) => entry.table === table)?.snapshot.id;
  /** A signal has the source prepared at once; without one, that it changed is noticed within a minute. */
  const lookNow = () => rig.signal('resume');
  /** Its copy after the change: another one than before. */
  const copiedAgain = (table: string, before: string | undefined) =>
    vi.waitFor(
      async () => {
        const entry = (await captured()).find((one) => one.table === table);
        expect(entry?.paused).toBeUndefined();
        expect(entry?.snapshot.id).not.toBe(before);
      },
      { timeout: 90_000, interval: 250 },
    );

  beforeAll(async () => {
    await prepareTables(url);
    await sql(`create table doomed (id int primary key, name text, price int);
      create table parts (id int primary key, name text, price int) partition by range (id);
      create table part_0 partition of parts for values from (0) to (10); insert into parts values (1, 'one', 1);
      create table part_1 (id int primary key, name text, price int); insert into part_1 values (11, 'eleven', 1);
      create type step as enum ('todo', 'done'); create table steps (name step, id int, price int, primary key (name, id));
      insert into steps values ('todo', 1, 1), ('todo', 2, 2), ('done', 3, 3)`);
    rig = await createRig({ url, folder, tables: [...TABLES, 'public.doomed', 'public.parts', 'public.steps'] });
    ingest = rig.start('ingest');
    rig.start('warehouse');
    await expectGoesOn(rig);
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  test.each([
    ['loses a table', 'drop table items'],
    ['publishes less', `set (publish = 'insert')`],
    ['gets a row filter', 'set table items where (id > 1000), others, doomed, parts, steps'],
  ])('a publication that %s: what it kept out of the log arrives by a copy', async (_, ddl) => {
    const before = await copyOf('public.items');
    await sql(`alter publication ${publication()} ${ddl}`);
    await change(url, 'not all of it published');
    await copiedAgain('public.items', before);
    await change(url, 'published again');
    await expectGoesOn(rig);
    expect((await captured()).map(({ paused }) => paused)).toEqual(Array(5).fill(undefined));
  });

  test('also while no worker runs', async () => {
    const before = await copyOf('public.items');
    await ingest.stop();
    await sql(`alter publication ${publication()} drop table items`);
    await change(url, 'unseen');
    ingest = rig.start('ingest');
    await copiedAgain('public.items', before);
    await expectGoesOn(rig);
  });

  test('another primary key over the same columns', async () => {
    const before = await copyOf('public.items');
    await sql('alter table items drop constraint items_pkey, add primary key (name, id)');
    await sql(`update items set name = name || ' renamed' where id <= 5`);
    await change(url, 'behind the other key');
    await copiedAgain('public.items', before);
    await change(url, 'in the new copy');
    await expectGoesOn(rig);
  });

  test('a partition attached with its rows, and dropped with them', async () => {
    const first = await copyOf('public.parts');
    await sql('alter table parts attach partition part_1 for values from (10) to (20)');
    await sql(`insert into parts values (2, 'two', 2)`);
    await lookNow();
    await copiedAgain('public.parts', first);
    await expectGoesOn(rig);
    await vi.waitFor(() => expectTablesEqual(rig, ['public.parts']), 30_000);
    const second = await copyOf('public.parts');
    await sql('create table part_2 partition of parts for values from (20) to (30)');
    await sql(`insert into parts values (21, 'twenty-one', 1)`);
    await lookNow();
    await vi.waitFor(
      async () => {
        const parts = (await captured()).find(({ table }) => table === 'public.parts');
        expect(parts?.layout?.leaves).toHaveLength(3);
      },
      { timeout: 90_000, interval: 250 },
    );
    expect(await copyOf('public.parts'), 'an empty partition needs no copy').toBe(second);
    await sql('drop table part_1');
    await sql(`insert into parts values (3, 'three', 3)`);
    await lookNow();
    await copiedAgain('public.parts', second);
    await expectGoesOn(rig);
    await vi.waitFor(() => expectTablesEqual(rig, ['public.parts']), 30_000);
  });

  test('a label of an enum in the key that is renamed, while a transaction runs', async () => {
    const before = await copyOf('public.steps');
    await withClient(url, async (client) => {
      await client.query(`begin; update steps set price = 10 where id = 1`);
      await sql(`alter type step rename value 'todo' to 'open'`);
      await lookNow();
      await client.query('select pg_sleep(1); commit');
    });
    await sql(`update steps set price = 20 where id = 2; insert into steps values ('open', 4, 4)`);
    await copiedAgain('public.steps', before);
    await expectGoesOn(rig);
    await vi.waitFor(() => expectTablesEqual(rig, ['public.steps']), 30_000);
  });

  test('a publication that is dropped, with writes before it is back: a new epoch begins by itself', async () => {
    const before = await copyOf('public.items');
    await sql(`drop publication ${publication()}; insert into items (name, price) values ('unpublished', 1)`);
    await change(url, 'unpublished too');
    await copiedAgain('public.items', before);
    await change(url, 'in the new epoch');
    await expectGoesOn(rig);
    const epochs = (await readLog(rig.prefix, rig.pipeline)).map(({ epochNo }) => epochNo);
    expect([...new Set(epochs)]).toEqual([1, 2]);
  });

  test('a table asked for by name that is dropped: the others go on, and it comes back', async () => {
    const others = await copyOf('public.others');
    await sql('drop table doomed');
    await lookNow();
    await vi.waitFor(async () => expect(await copyOf('public.doomed')).toBeUndefined(), {
      timeout: 90_000,
      interval: 250,
    });
    await change(url, 'without it');
    await vi.waitFor(() => expectTablesEqual(rig, TABLES), { timeout: 60_000, interval: 250 });
    const { state, tables } = await seen(rig);
    expect(state).toBe('streaming');
    expect(tables.find(({ table }) => table === 'public.doomed')).toMatchObject({
      ...{ state: 'detached', since: expect.any(String), rows: 0 },
      reason: expect.stringContaining('not captured since'),
    });
    const { code, output } = await rig.run('drop-detached', rig.pipeline);
    expect([code, output]).toEqual([0, expect.stringContaining('dropped: public.doomed')]);
    expect((await seen(rig)).tables.map(({ table }) => table)).not.toContain('public.doomed');
    await expect(rig.query('select * from public.doomed')).rejects.toThrow(/refused/);
    await sql(
      `create table doomed (id int primary key, name text, price int); insert into doomed values (1, 'back', 1)`,
    );
    await lookNow();
    await copiedAgain('public.doomed', undefined);
    await expectGoesOn(rig);
    expect(await copyOf('public.others'), 'the others kept their copies').toBe(others);
  });
});
