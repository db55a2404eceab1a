import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { preflight } from '../../../activities/wal/postgres/preflight.ts';
import {
  arePublished,
  dropPublications,
  ensurePublications,
  planPublications,
  publicationsOf,
  withdrawUnidentified,
} from '../../../activities/wal/postgres/publication.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import type { WalflowError } from '../../../workflows/model/errors.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { record } from '../replication-recorder.ts';

const database = freshDatabase();
const role = freshPipelineName();
let source: Source;

const sql = (text: string) => withClient(database.url, (client) => client.query(text));

beforeAll(async () => {
  await sql(`create role ${role} login replication password 'pw';
    create table orders (id int primary key, note text);
    create table log (line text);
    create table parent (id int primary key); create table child () inherits (parent);
    create table events (day date, id int, primary key (day, id)) partition by range (day);
    create table events_1 partition of events default;
    create unlogged table cache (id int primary key); create view a_view as select 1;
    create extension if not exists citext`);
  source = await openSource(database.url, 'walflow test');
});

afterEach(async () => {
  await sql('drop publication if exists shop, shop_append');
});

afterAll(async () => {
  await source.close();
  await sql(`drop owned by ${role}; drop role ${role}`);
});

const settings = (tables: string[], url = database.url) => ({
  url,
  tables,
  slot: 'walflow_preflight',
  publication: 'shop',
  applicationName: 'walflow shop stream',
});

function roleUrl(): string {
  return Object.assign(new URL(database.url), { username: role, password: 'pw' }).href;
}

/** Preflight as the role without rights; resolves with its one error. */
async function failureAsRole(tables: string[]): Promise<WalflowError> {
  const own = await openSource(roleUrl(), 'walflow test');
  try {
    return await preflight(own, settings(tables, roleUrl())).then(
      () => Promise.reject(new Error('no obstacle was found')),
      (failure: WalflowError) => failure,
    );
  } finally {
    await own.close();
  }
}

/** The codes of all obstacles a failure tells of. */
function codesOf(failure: WalflowError): string[] {
  return failure.cause instanceof AggregateError ? failure.cause.errors.map((error) => error.code) : [failure.code];
}

/** Members and actions of both publications. */
async function publications(): Promise<unknown[]> {
  const { rows } = await sql(
    `select p.pubname as name, concat(case when pubinsert then 'i' end, case when pubupdate then 'u' end,
       case when pubdelete then 'd' end, case when pubtruncate then 't' end) as publish, pubviaroot as root,
       coalesce(array_agg(r.prrelid::regclass::text order by 1) filter (where r.prrelid is not null), '{}') as tables
     from pg_publication p left join pg_publication_rel r on r.prpubid = p.oid
     where p.pubname in ('shop', 'shop_append') group by p.oid, 1, 2, 3 order by 1`,
  );
  return rows;
}

describe('preflight', () => {
  it('answers the tables, with what the user should know', async () => {
    const { tables, notices } = await preflight(source, settings(['public.*']));
    expect(tables.map((table) => [table.table, table.mode, table.keyColumns])).toEqual([
      ['public.child', 'append-only', []],
      ['public.events', 'keyed', ['day', 'id']],
      ['public.log', 'append-only', []],
      ['public.orders', 'keyed', ['id']],
      ['public.parent', 'keyed', ['id']],
    ]);
    expect(tables[3]?.columns).toEqual([
      { name: 'id', typeOid: 23, typeModifier: -1 },
      { name: 'note', typeOid: 25, typeModifier: -1 },
    ]);
    expect(notices.join('\n')).toMatch(/public\.cache is not captured[\s\S]*public\.child has no usable key/);
  });

  it('leaves dropped and generated columns out and reads keys in index order', async () => {
    await sql(`create table shapes (a int, gone int, b numeric(10, 2), c int generated always as (a * 2) stored, primary key (b, a));
      alter table shapes drop column gone`);
    const { tables } = await preflight(source, settings(['public.shapes']));
    expect(tables[0]).toMatchObject({
      keyColumns: ['b', 'a'],
      columns: [
        { name: 'a', typeOid: 23, typeModifier: -1 },
        { name: 'b', typeOid: 1700, typeModifier: ((10 << 16) | 2) + 4 },
      ],
    });
    await sql('drop table shapes');
  });

  it('takes a deferrable key for no key: it is not unique at every moment', async () => {
    await sql('create table swaps (id int primary key deferrable)');
    const { tables } = await preflight(source, settings(['public.swaps']));
    expect(tables[0]).toMatchObject({ mode: 'append-only' });
    await sql('drop table swaps');
  });

  it('names all obstacles at once, under the first one\u2019s code', async () => {
    const failure: WalflowError = await preflight(
      source,
      settings(['public.nope', 'public.a_view', 'public.cache']),
    ).then(
      () => Promise.reject(new Error('no obstacle was found')),
      (error) => error,
    );
    expect(failure.code).toBe('SOURCE_TABLE_MISSING');
    expect(failure.message).toMatch(/3 obstacles.*public\.nope.*public\.a_view.*a view.*public\.cache.*unlogged/);
    expect(failure.hint).toMatch(/\(1\).*\(2\).*\(3\)/);
  });

  it('names tables the role may not read, and the publication it may not make, with the statement for an admin', async () => {
    const failure = await failureAsRole(['public.orders']);
    expect(codesOf(failure)).toEqual(['SOURCE_PERMISSION_DENIED', 'SOURCE_NO_PUBLICATION_RIGHT']);
    expect(failure.message).toContain('may not read public.orders');
    expect(failure.message).toContain('create publication "shop" for table only "public"."orders"');
  });

  it('accepts a publication someone else made', async () => {
    await sql(`grant select on orders to ${role}`);
    expect(await failureAsRole(['public.orders'])).toMatchObject({ code: 'SOURCE_NO_PUBLICATION_RIGHT' });
    await sql('create publication shop for table orders with (publish_via_partition_root = true)');
    const own = await openSource(roleUrl(), 'walflow test');
    const { tables } = await preflight(own, settings(['public.orders'], roleUrl()));
    await ensurePublications(own, 'shop', tables);
    await own.close();
    expect(tables).toHaveLength(1);
    await sql(`revoke select on orders from ${role}`);
  });

  describe('of a pipeline that captures tables already', () => {
    const asRole = async (tables: string[], captured: string[]) => {
      const own = await openSource(roleUrl(), 'walflow test');
      try {
        return await preflight(own, { ...settings(tables, roleUrl()), captured: new Set(captured) });
      } finally {
        await own.close();
      }
    };

    it('leaves out a table that is gone and goes on with the others', async () => {
      const wanted = {
        ...settings(['public.gone', 'public.a_view', 'public.orders']),
        captured: new Set(['public.gone']),
      };
      const { tables, notices } = await preflight(source, wanted);
      expect(tables.map(({ table }) => table)).toEqual(['public.orders']);
      expect(notices).toEqual([
        expect.stringMatching(/public\.gone.*not captured/),
        expect.stringMatching(/public\.a_view.*not captured/),
      ]);
    });

    it('keeps one that may no longer be read, with the reason; a new one of that kind is left out', async () => {
      await sql(`grant select on orders to ${role};
        create publication shop for table log, orders with (publish_via_partition_root = true)`);
      const found = await asRole(['public.orders', 'public.parent', 'public.log'], ['public.orders', 'public.log']);
      expect(found.tables.map(({ table }) => table)).toEqual(['public.log', 'public.orders']);
      expect([...found.unreadable].map(([table, { code }]) => [table, code])).toEqual([
        ['public.log', 'SOURCE_PERMISSION_DENIED'],
      ]);
      expect(found.notices).toContainEqual(expect.stringMatching(/public\.parent.*not captured/));
      await sql(`revoke select on orders from ${role}`);
    });

    it('leaves out a new table that it may read but not publish', async () => {
      await sql(`grant select on orders, parent to ${role};
        create publication shop for table orders with (publish_via_partition_root = true)`);
      const found = await asRole(['public.orders', 'public.parent'], ['public.orders']);
      expect(found).toMatchObject({ tables: [{ table: 'public.orders' }], publication: [] });
      expect(found.notices).toContainEqual(expect.stringMatching(/public\.parent into publication shop.*not captured/));
      const whole = await asRole(['public.orders', 'public.parent'], ['public.orders', 'public.parent']);
      expect(whole.publication).toMatchObject([{ code: 'SOURCE_NO_PUBLICATION_RIGHT' }]);
      await sql(`revoke select on orders, parent from ${role}`);
    });
  });

  it('names row security that would hide rows', async () => {
    await sql(`grant select on orders to ${role}; alter table orders enable row level security`);
    expect(codesOf(await failureAsRole(['public.orders']))).toContain('SOURCE_ROW_SECURITY');
    await sql(`revoke select on orders from ${role}; alter table orders disable row level security`);
  });

  it('names a role without the REPLICATION right', async () => {
    await sql(`alter role ${role} noreplication`);
    expect(codesOf(await failureAsRole(['public.orders']))).toContain('SOURCE_NO_REPLICATION_RIGHT');
    await sql(`alter role ${role} replication`);
  });

  it('names the consumer that holds the slot, unless it is our own stream', async () => {
    const slot = freshPipelineName();
    await createSlot(database.url, slot, { onWaiting: () => {} });
    await sql('create publication shop');
    const options = { url: database.url, slot, publications: ['shop'] };
    const stranger = await record({ ...options, applicationName: 'pg_recvlogical' });
    const wanted = { ...settings(['public.orders']), slot };
    await expect(preflight(source, wanted)).rejects.toMatchObject({
      code: 'SLOT_BUSY',
      message: expect.stringMatching(/pid \d+ \("pg_recvlogical"/),
    });
    await stranger.stream.stop();
    const ours = await record({ ...options, applicationName: wanted.applicationName });
    expect((await preflight(source, wanted)).tables).toHaveLength(1);
    await ours.stream.stop();
    await dropSlot(source, slot, wanted.applicationName);
  });

  it('refuses a publication that is not a list of tables', async () => {
    await sql('create publication shop for all tables');
    await expect(preflight(source, settings(['public.orders']))).rejects.toMatchObject({
      code: 'PUBLICATION_UNUSABLE',
    });
  });
});

describe('publications', () => {
  const ensure = async (...tables: string[]) => {
    const checked = await preflight(source, settings(tables));
    await ensurePublications(source, 'shop', checked.tables);
  };

  it('are two: updates only of tables with a key; both exist from the beginning', async () => {
    await ensure('public.orders');
    expect(await publications()).toEqual([
      { name: 'shop', publish: 'iudt', root: true, tables: ['orders'] },
      { name: 'shop_append', publish: 'it', root: true, tables: [] },
    ]);
    await ensure('public.orders', 'public.log');
    expect(await publications()).toEqual([
      { name: 'shop', publish: 'iudt', root: true, tables: ['orders'] },
      { name: 'shop_append', publish: 'it', root: true, tables: ['log'] },
    ]);
  });

  it('never make a write of the application fail', async () => {
    await ensure('public.*');
    await sql(`insert into log values ('a'); update log set line = 'b'; delete from log;
      insert into child values (1); update child set id = 2; delete from child`);
  });

  it('take a parent without its children, and a partitioned table by its root', async () => {
    await ensure('public.parent', 'public.events');
    expect(await publications()).toMatchObject([{ tables: ['events', 'parent'] }, { tables: [] }]);
  });

  it('follow tables that come, go, and lose or gain a key', async () => {
    await sql('create table moving (id int)');
    await ensure('public.orders', 'public.moving');
    expect(await publications()).toMatchObject([{ tables: ['orders'] }, { tables: ['moving'] }]);
    await sql('alter table moving add primary key (id)');
    await ensure('public.moving');
    expect(await publications()).toMatchObject([{ tables: ['moving'] }, { tables: [] }]);
    await sql('drop table moving');
  });

  it('lose column lists, row filters and other options someone gave them', async () => {
    await sql(`create publication shop for table orders (id) where (id > 5), log with (publish = 'insert')`);
    await ensure('public.orders');
    expect(await publications()).toMatchObject([{ publish: 'iudt', root: true, tables: ['orders'] }, {}]);
    const { rows } = await sql('select from pg_publication_rel where prattrs is not null or prqual is not null');
    expect(rows).toEqual([]);
  });

  it.each([
    ['lost a table', 'alter publication shop drop table orders', ['public.orders']],
    ['publish less', `alter publication shop set (publish = 'insert')`, ['public.orders', 'public.parent']],
    [
      'forgot about roots',
      'alter publication shop set (publish_via_partition_root = false)',
      ['public.orders', 'public.parent'],
    ],
    ['got a row filter', 'alter publication shop set table only orders where (id > 5), only parent', ['public.orders']],
    ['got a column list', 'alter publication shop set table only orders (id), only parent', ['public.orders']],
    ['were dropped', 'drop publication shop', ['public.orders', 'public.parent']],
    ['got a table more', 'alter publication shop add table events', []],
  ])('that %s are repaired, and say whose changes may be missing', async (_, ddl, expected) => {
    await ensure('public.orders', 'public.parent', 'public.log');
    const { tables } = await preflight(source, settings(['public.orders', 'public.parent', 'public.log']));
    await sql(ddl);
    const plans = await planPublications(source.connection, 'shop', tables);
    expect(plans.flatMap(({ unpublished }) => unpublished.map(({ table }) => table))).toEqual(expected);
    expect(plans.some(({ statements }) => statements.length > 0)).toBe(true);
    await ensure('public.orders', 'public.parent', 'public.log');
    for (const plan of await planPublications(source.connection, 'shop', tables)) {
      expect(plan).toMatchObject({ statements: [], unpublished: [] });
    }
  });

  it('are not touched when they are as wanted', async () => {
    await ensure('public.orders');
    const versions = async () =>
      (await sql('select xmin from pg_publication union all select xmin from pg_publication_rel')).rows;
    const before = await versions();
    await ensure('public.orders');
    expect(await versions()).toEqual(before);
  });

  it.each([
    ['shop', ['public.orders'], false],
    ['shop_append', ['public.orders'], true],
    ['shop_append', ['public.orders', 'public.log'], false],
  ])('%s is missed once it is gone, where one of %j needs it', async (dropped, wanted, expected) => {
    await ensure(...wanted);
    const { tables } = await preflight(source, settings(wanted));
    expect(await arePublished(source, publicationsOf('shop', tables))).toBe(true);
    await sql(`drop publication ${dropped}`);
    expect(await arePublished(source, publicationsOf('shop', tables))).toBe(expected);
  });

  it('can be dropped, also twice', async () => {
    await ensure('public.orders');
    await dropPublications(source, 'shop');
    await dropPublications(source, 'shop');
    expect(await publications()).toEqual([]);
  });
});

describe('a table that lost its identity', () => {
  const tables = ['own.keyed', 'own.indexed', 'own.whole', 'own.parted'];

  /** Publishes the tables as captured, and answers which updates the publication makes fail. */
  async function failing(): Promise<string[]> {
    const failures: string[] = [];
    for (const table of tables) {
      await sql(`update ${table} set note = note`).catch(() => failures.push(table));
    }
    return failures;
  }

  it.each([
    ['has no primary key any more', 'alter table own.keyed drop constraint keyed_pkey', 'own.keyed'],
    ['has replica identity nothing', 'alter table own.keyed replica identity nothing', 'own.keyed'],
    ['lost the index that was its identity', 'drop index own.indexed_id', 'own.indexed'],
    ['has a partition without one', 'alter table own.parted_1 replica identity nothing', 'own.parted'],
  ])('is withdrawn, and its updates succeed: it %s', async (_, ddl, table) => {
    await sql(`drop schema if exists own cascade; create schema own;
      create table own.keyed (id int primary key, note text);
      create table own.indexed (id int not null, note text); create unique index indexed_id on own.indexed (id);
      alter table own.indexed replica identity using index indexed_id;
      create table own.whole (id int, note text); alter table own.whole replica identity full;
      create table own.parted (id int primary key, note text) partition by range (id);
      create table own.parted_1 partition of own.parted default;
      insert into own.keyed values (1); insert into own.indexed values (1); insert into own.whole values (1);
      insert into own.parted values (1); create publication shop for table ${tables.join(', ')}
        with (publish_via_partition_root = true)`);
    expect(await withdrawUnidentified(source, 'shop')).toEqual([]);
    expect(await failing()).toEqual([]);
    await sql(ddl);
    expect(await failing()).toEqual([table]);
    expect(await withdrawUnidentified(source, 'shop')).toEqual([table]);
    expect(await failing()).toEqual([]);
    expect(await withdrawUnidentified(source, 'shop')).toEqual([]);
    await sql('drop schema own cascade');
  });
});
