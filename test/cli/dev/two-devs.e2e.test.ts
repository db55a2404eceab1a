// Two `walflow dev` with homes of their own follow one database, under the same pipeline name: the second one must not touch
// what belongs to the first.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, withClient } from '../../support/database.ts';
import { DevHome, START_MS } from './dev-home.ts';

describe('a second walflow dev on the same database', { timeout: 400_000 }, () => {
  const database = freshDatabase();
  const [first, second] = [new DevHome(), new DevHome()];
  const sql = (text: string) => withClient(database.url, (client) => client.query(text));
  const args = (table: string) => ['--source', database.url, '--tables', `public.${table}`, '--pipeline', 'twice'];
  const published = async () =>
    (await sql(`select tablename from pg_publication_tables where pubname = 'walflow_twice'`)).rows;
  const slots = async () =>
    (await sql(`select active from pg_replication_slots where slot_name = 'walflow_twice'`)).rows;

  beforeAll(async () => {
    await Promise.all([first.choosePorts(), second.choosePorts()]);
    await sql('create table public.a (id int primary key); create table public.b (id int primary key)');
  });
  afterAll(async () => {
    await Promise.all([first.kill(), second.kill()]);
    await sql(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'walflow_twice'`);
  });

  test('is refused with a code and a hint, and changes nothing', async () => {
    first.startDev(...args('a'));
    await first.live(1);
    second.startDev(...args('b'), '--drop-slot-on-exit');
    await expect
      .poll(async () => (await second.walflow('status')).output, { timeout: START_MS, interval: 1_000 })
      .toMatch(
        /slot walflow_twice belongs to another pipeline.*hint: give this pipeline a name of its own.*SLOT_FOREIGN/,
      );
    expect(await published()).toEqual([{ tablename: 'a' }]);
  });

  test('neither its commands nor its Ctrl-C harm the first one', async () => {
    for (const command of [['slot', 'drop'], ['remove']]) {
      const { code, output } = await second.elsewhere(...command, 'twice');
      expect(output).toMatch(/\(SLOT_FOREIGN\)/);
      expect(code).toBe(1);
    }
    expect((await second.stopDev('SIGINT')).code).toBe(0);
    expect(second.output).toMatch(/slot walflow_twice on the source is not this pipeline's: it is left alone/);
    expect(second.output).not.toMatch(/drop it with|is dropped/);
    expect(await slots()).toEqual([{ active: true }]);
    expect(await published()).toEqual([{ tablename: 'a' }]);
    await sql('insert into public.a values (1)');
    await expect
      .poll(async () => (await first.walflow('query', '--csv', 'select id from public.a')).output, { timeout: 60_000 })
      .toBe('id\n1\n');
  });

  test('the owner may drop what is its own, also once its servers are stopped', async () => {
    expect((await first.stopDev('SIGINT')).code).toBe(0);
    expect(first.output).toMatch(/slot walflow_twice stays on the source/);
    const { code, output } = await first.elsewhere('slot', 'drop', 'twice', '--source', database.url);
    expect(output).toMatch(/slot walflow_twice is dropped/);
    expect(code).toBe(0);
    expect(await slots()).toEqual([]);
  });
});
