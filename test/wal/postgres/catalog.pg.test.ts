import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PgoutputDecoder } from '../../../activities/wal/pgoutput.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import { type LoggedRelation, sameKey, sameShape, sameValues } from '../../../workflows/model/relation.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { EventLog } from '../event-log.ts';
import { capturedTable } from './captured-table.ts';

const database = freshDatabase();
let source: Source;

const sql = (text: string) => withClient(database.url, (client) => client.query(text));

beforeAll(async () => {
  source = await openSource(database.url, 'walflow test');
});

afterAll(() => source.close());

const tableOf = (name: string) => capturedTable(source, name);

/** Partitions come and go without a word in the log: those that bring or take rows make another table of their root. */
describe('partitions', () => {
  beforeAll(() =>
    sql(`create table parted (id int primary key, note text) partition by range (id);
      create table p0 partition of parted for values from (0) to (10); insert into parted values (1)`),
  );

  afterEach(() => sql('drop table if exists p1, n1, ints'));

  const PLAIN = 'create table p1 (id int not null, note text)';
  const ATTACH = 'alter table parted attach partition p1 for values from (10) to (20)';
  const NUMBERS = 'create table n1 (id int primary key, note text) partition by range (id)';
  const ATTACH_NUMBERS = 'alter table parted attach partition n1 for values from (10) to (20)';

  it.each<[string, string, boolean]>([
    ['created in its place', 'create table p1 partition of parted for values from (10) to (20)', true],
    [
      'created in its place, with a key of its own and partitions below',
      `create table p1 partition of parted for values from (10) to (20) partition by list (id);
       create table p11 partition of p1 default`,
      true,
    ],
    [
      'created and filled in one transaction',
      `begin; create table p1 partition of parted for values from (10) to (20);
       insert into parted values (11); commit`,
      true,
    ],
    ['attached with rows', `${PLAIN}; insert into p1 values (11); ${ATTACH}`, false],
    [
      'attached with rows, created in the same transaction',
      `begin; ${PLAIN}; insert into p1 values (11); ${ATTACH}; commit`,
      false,
    ],
    ['attached without rows', `begin; ${PLAIN}; ${ATTACH}; commit; grant select on p1 to public; analyze p1`, true],
    [
      'attached without rows left',
      `${PLAIN}; insert into p1 values (11); ${ATTACH}; delete from parted where id = 11`,
      false,
    ],
    [
      'attached with rows by one function',
      `do $$ begin ${PLAIN}; insert into p1 values (11); ${ATTACH}; end $$`,
      false,
    ],
    [
      'made of a query',
      `begin; create table p1 as select 11 as id, 'x' as note; alter table p1 alter id set not null; ${ATTACH}; commit`,
      false,
    ],
    [
      'attached with partitions of its own',
      `begin; ${NUMBERS}; create table p1 partition of n1 default; insert into n1 values (11); ${ATTACH_NUMBERS}; commit`,
      false,
    ],
  ])('%s: the same values? %s %s', async (_, ddl, same) => {
    const before = await tableOf('public.parted');
    await sql(ddl);
    const after = await tableOf('public.parted');
    expect(after.layout?.leaves).toHaveLength(2);
    expect(sameValues(before.layout, after.layout)).toBe(same);
    expect(sameValues(after.layout, after.layout)).toBe(true);
    await sql('drop table if exists p1, n1');
    const dropped = await tableOf('public.parted');
    expect(sameValues(after.layout, dropped.layout), 'dropped with its rows').toBe(false);
  });

  it('detached and attached again may have changed in between', async () => {
    await sql(`${PLAIN}; ${ATTACH}`);
    const before = await tableOf('public.parted');
    await sql(`alter table parted detach partition p1; insert into p1 values (12); ${ATTACH}`);
    const after = await tableOf('public.parted');
    expect(sameValues(before.layout, after.layout)).toBe(false);
  });

  it('stay the same under maintenance, and an ordinary table has none', async () => {
    const before = await tableOf('public.parted');
    for (const ddl of ['vacuum full p0', 'alter table p0 set (fillfactor = 90)', 'grant select on p0 to public']) {
      await sql(ddl);
    }
    const after = await tableOf('public.parted');
    expect(sameValues(before.layout, after.layout)).toBe(true);
    await sql('create table plain (id int primary key); create table heir () inherits (plain)');
    expect((await tableOf('public.plain')).layout?.leaves).toEqual([]);
  });
});

/** A value is the text that the catalog makes of it: DDL on a type can change the text of rows that nobody wrote. */
describe('what values depend on', () => {
  beforeAll(() =>
    sql(`create type mood as enum ('happy', 'sad'); create type place as (city text, mood mood);
      create domain feeling as mood; create domain short as text; create type span as range (subtype = int4);
      create table moods (name text primary key, note text, one mood);
      create table lists (id int primary key, many mood[]);
      create table feelings (id int primary key, deep feeling[]);
      create table places (id int primary key, place place, span span, short short)`),
  );

  it.each<[string, string, string, boolean]>([
    ['a label is renamed', 'moods', `alter type mood rename value 'sad' to 'blue'`, false],
    ['a label is renamed, used in an array', 'lists', `alter type mood rename value 'blue' to 'sad'`, false],
    [
      'a label is renamed, below a domain in an array',
      'feelings',
      `alter type mood rename value 'sad' to 'blue'`,
      false,
    ],
    ['a label is renamed, inside a composite', 'places', `alter type mood rename value 'blue' to 'sad'`, false],
    ['a label is added', 'moods', `alter type mood add value 'angry' before 'sad'`, true],
    ['an attribute is added', 'places', 'alter type place add attribute zip text', false],
    ['an attribute is dropped', 'places', 'alter type place drop attribute zip', false],
    ['an attribute is renamed', 'places', 'alter type place rename attribute city to town', true],
    ['a type is renamed', 'moods', 'alter type mood rename to temper', true],
    ['a domain gets a constraint', 'places', 'alter domain short add check (length(value) < 9)', true],
    ['the key gets another collation', 'moods', 'alter table moods alter name type text collate "C"', false],
    ['another column gets another collation', 'moods', 'alter table moods alter note type text collate "C"', true],
    ['a table is analyzed', 'places', 'analyze places', true],
  ])('%s: the same values of %s? %s %s', async (_, table, ddl, same) => {
    const before = await tableOf(`public.${table}`);
    await sql(ddl);
    const after = await tableOf(`public.${table}`);
    expect(before.layout?.dependencies?.length).toBeGreaterThan(0);
    expect(sameValues(before.layout, after.layout)).toBe(same);
    expect(sameValues(after.layout, after.layout)).toBe(true);
  });
});

/** What the log says of a key is compared with what the catalog says: where they disagreed for long, nothing would flow. */
describe('keys', () => {
  const slot = freshPipelineName();

  it.each([
    ['a primary key', 'create table k (c int, a int default 1, b int default 2, primary key (b, a) include (c))'],
    ['a deferrable one', 'create table k (a int default 1 primary key deferrable)'],
    ['none', 'create table k (a int default 1)'],
    [
      'an index',
      'create table k (a int default 1 primary key, b int default 2 not null unique); alter table k replica identity using index k_b_key',
    ],
    ['identity full', 'create table k (a int default 1 primary key, b int); alter table k replica identity full'],
    [
      'partitions',
      `create table k (a int default 1, b int default 2, primary key (b, a)) partition by range (a);
       create table k1 partition of k default; alter table k1 replica identity full`,
    ],
    [
      'an index of a partitioned table',
      `create table k (a int default 1, b int default 2 not null, primary key (a), unique (a, b)) partition by range (a);
       alter table k replica identity using index k_a_b_key; create table k1 partition of k default`,
    ],
  ])('%s: log and catalog agree', async (_, ddl) => {
    await sql(`drop table if exists k; ${ddl}; drop publication if exists k;
      create publication k for table k with (publish = 'insert', publish_via_partition_root = true)`);
    const relation = await loggedRelation();
    const table = await tableOf('public.k');
    expect([sameShape(relation, table), sameKey(relation, table)]).toEqual([true, true]);
  });

  /** How the log describes table k. */
  async function loggedRelation(): Promise<LoggedRelation> {
    const log = new EventLog();
    const decoder = new PgoutputDecoder(log);
    await withClient(database.url, async (client) => {
      await client.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
      await client.query('set synchronous_commit to on; insert into k default values');
      const { rows } = await client.query<{ data: Buffer }>(
        `select data from pg_logical_slot_get_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', 'k')`,
        [slot],
      );
      await client.query('select pg_drop_replication_slot($1)', [slot]);
      for (const { data } of rows) decoder.decode(data, 0, data.length);
    });
    return log.events.find(({ event, name }) => event === 'relation' && name === 'k') as unknown as LoggedRelation;
  }
});
