// `walflow verify` against a real source and a real warehouse: what differs is named, what merely is on its way is not.

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { PipelineResources } from '../../activities/resources.ts';
import { matchTables } from '../../activities/wal/postgres/catalog.ts';
import { openSource } from '../../activities/wal/postgres/source.ts';
import { createTableSql } from '../../activities/warehouse/duckdb/merge/schema-sql.ts';
import { verifyText } from '../../workers/cli/verify-text.ts';
import { type VerifyRequest, verifyPipeline } from '../../workers/status/verify.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { PIPELINE_NAME } from '../../workflows/model/names.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshPipelineName } from '../support/unique.ts';
import { TestWarehouse } from '../warehouse/duckdb/warehouse.ts';

const { url } = freshDatabase();
const warehouse = TestWarehouse.forFile();
const ROWS = `(1, 'one', 1.5::float8, true), (2, NULL, NULL, false), (3, '', 'NaN'::float8, NULL)`;
const MIB = 1024 * 1024;
let entry: CaptureEntry;

beforeAll(async () => {
  await withClient(url, (client) =>
    client.query(
      'create schema own; create table items (id bigint primary key, name text, weight float8, fine boolean)',
    ),
  );
  entry = await captured('public.items');
});

/** The table as it would be captured now. */
async function captured(table: string): Promise<CaptureEntry> {
  const source = await openSource(url, 'walflow test');
  const [found] = (await matchTables(source.connection, [table])).tables;
  await source.close();
  if (found === undefined) throw new Error('the table is not found');
  return { ...found.captured, schemaVersion: 'v1', snapshot: { id: 's1', r0Lsn: '0000000000000001', fromSeq: 1 } };
}

/** The table lives in the warehouse, with these rows. */
async function live(table: CaptureEntry, rows: string): Promise<void> {
  await inWarehouse(`drop table if exists ${table.schema}.${table.name}`);
  await inWarehouse(createTableSql(table, table));
  await inWarehouse(`insert into ${table.schema}.${table.name} select *, 1, now() from (${rows})`);
  await warehouse.owner.use((session) =>
    session.run(
      `insert into _walflow.tables (pipeline, table_id, schema_name, table_name, state, snapshot_id, r0_lsn, from_seq, schema_version, capture, changed_at)
       values ('shop', $1, $2, $3, 'live', 's1', 1, 1, 'v1', $4::JSON, now())`,
      [table.table, table.schema, table.name, JSON.stringify(table)],
    ),
  );
}

beforeEach(async () => {
  await withClient(url, (client) => client.query(`truncate items; insert into items values ${ROWS}`));
  await inWarehouse('create schema if not exists public; create schema if not exists own');
  await inWarehouse('delete from _walflow.tables');
  await live(entry, `values ${ROWS}`);
});

const inWarehouse = (sql: string) => warehouse.owner.use((session) => session.run(sql));

async function verify(change: Partial<VerifyRequest> = {}) {
  const source = { url, tables: ['public.*'], newTables: 'add', maxRowBytes: 256 * MIB };
  const pipeline = { name: 'shop', source } as unknown as PipelineResources;
  return await verifyPipeline({
    pipeline,
    warehouse: warehouse.port,
    spoolFolder: warehouse.spool,
    table: null,
    signal: new AbortController().signal,
    captured: async () => ['public.items'],
    reach: async () => ({ reached: true }),
    mergedLsn: async () => '0000000000000002',
    ...change,
  });
}

test('equal rows are equal, NULL, empty text and NaN among them', async () => {
  expect(await verify()).toMatchObject({
    result: 'equal',
    tables: [{ result: 'equal', rowsSource: 3, rowsWarehouse: 3 }],
  });
});

test('a changed value, a deleted row and an added row are named by key', async () => {
  await inWarehouse(`update public.items set name = 'uno' where id = 1`);
  await inWarehouse('delete from public.items where id = 2');
  await inWarehouse(`insert into public.items values (9, 'nine', 9, true, 1, now())`);
  const { result, tables } = await verify();
  expect(result).toBe('differs');
  expect(tables[0]?.differing).toEqual([
    { key: ['1'], kind: 'different', columns: ['name'] },
    { key: ['2'], kind: 'missing', columns: [] },
    { key: ['9'], kind: 'extra', columns: [] },
  ]);
});

test('a row that a later commit wrote says nothing about the snapshot', async () => {
  await inWarehouse(`update public.items set name = 'later', _walflow_commit_lsn = 9223372036854775807 where id = 1`);
  expect(await verify()).toMatchObject({ result: 'equal' });
});

test('a row that arrives between two looks was on its way', async () => {
  await inWarehouse('delete from public.items where id = 2');
  let looks = 0;
  const reach = async () => {
    looks += 1;
    if (looks === 2) await inWarehouse('insert into public.items values (2, NULL, NULL, false, 1, now())');
    return { reached: true };
  };
  expect(await verify({ reach })).toMatchObject({ result: 'equal' });
});

test('an append-only table is compared row for row; what was updated or deleted at its source is told apart', async () => {
  const keyless = JSON.stringify({ ...entry, mode: 'append-only', keyColumns: [] });
  await inWarehouse(`update _walflow.tables set state = 'append-only', capture = '${keyless}'`);
  await inWarehouse(`insert into public.items values (4, 'newer', 4, true, 9223372036854775807, now())`);
  expect(await verify(), 'a newer row says nothing').toMatchObject({ result: 'equal', tables: [{ rowsSource: 3 }] });
  await inWarehouse(`insert into public.items values (1, 'one', 1.5, true, 1, now())`);
  await withClient(url, (client) => client.query('delete from items where id = 2'));
  const report = await verify();
  expect(report.tables[0]).toMatchObject({ result: 'differs', differingCount: 2, keyColumns: [] });
  const text = verifyText(report);
  expect(text).toContain(`public.items: 2 rows differ (2 rows in the source, 5 in the warehouse a moment later)
  rows only in the warehouse
  the table is append-only`);
});

test('a table that does not follow its source is never called equal', async () => {
  await inWarehouse(`update _walflow.tables set state = 'loading'`);
  expect(await verify()).toMatchObject({
    result: 'not-comparable',
    tables: [{ reason: expect.stringContaining('loading') }],
  });
});

test('a warehouse that does not catch up, and a table nobody knows, are named', async () => {
  await expect(verify({ reach: async () => ({ reached: false }) })).rejects.toMatchObject({ code: 'VERIFY_BEHIND' });
  await expect(verify({ table: 'public.nothing' })).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
});

test('its files stand where no pipeline has its own: a merge clears the folder of its pipeline', async () => {
  const folders: string[] = [];
  const reach = async () => {
    folders.push(
      ...(await readdir(warehouse.spool, { withFileTypes: true }))
        .filter((one) => one.isDirectory())
        .map(({ name }) => name),
    );
    return { reached: true };
  };
  expect(await verify({ reach })).toMatchObject({ result: 'equal' });
  expect(folders).toHaveLength(1);
  expect(folders.filter((name) => PIPELINE_NAME.test(name))).toEqual([]);
});

test('what the configuration captures and the warehouse does not know is named, and nothing is proven', async () => {
  await withClient(url, (client) => client.query('create table if not exists newer (id bigint primary key)'));
  try {
    expect(await verify()).toMatchObject({
      result: 'not-comparable',
      tables: [
        { table: 'public.items', result: 'equal' },
        { table: 'public.newer', result: 'not-comparable', reason: 'it is not captured yet' },
      ],
    });
    // As in a warehouse that is built again from the log.
    await inWarehouse('delete from _walflow.tables');
    const captured = async () => ['public.items', 'public.newer'];
    const report = await verify({ captured });
    expect(report).toMatchObject({ result: 'not-comparable', tables: [{ rowsSource: 0 }, {}] });
    expect(verifyText(report)).toContain('public.items: could not be compared: the warehouse does not have it yet');
    expect(await verify({ captured, table: 'public.newer' })).toMatchObject({ result: 'not-comparable' });
    await expect(verify({ table: 'public.gone' })).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
  } finally {
    await withClient(url, (client) => client.query('drop table newer'));
  }
});

test('where there is no table, nothing is equal', async () => {
  const source = { url, tables: ['nothing.*'], newTables: 'add' };
  const pipeline = { name: 'shop', source } as unknown as PipelineResources;
  const report = await verify({ pipeline, captured: async () => [] });
  expect(report).toMatchObject({ result: 'not-comparable', tables: [] });
  expect(verifyText(report)).toContain('there is no table to compare');
});

const sql = (text: string) => withClient(url, (client) => client.query(text));

/** Tables of a schema that no other test captures. */
async function verifyOwn(
  tables: readonly string[],
  more: { readonly url?: string; readonly maxRowBytes?: number } = {},
) {
  const source = { url, newTables: 'add', maxRowBytes: 256 * MIB, ...more, tables };
  const pipeline = { name: 'shop', source } as unknown as PipelineResources;
  return await verify({ pipeline, captured: async () => tables });
}

test("a parent's rows are its own: those of its children are compared with the children's", async () => {
  await sql(`create table own.parent (id int primary key); create table own.child () inherits (own.parent);
    insert into own.parent values (1); insert into own.child values (2)`);
  await live(await captured('own.parent'), 'values (1)');
  expect(await verifyOwn(['own.parent'])).toMatchObject({ result: 'equal', tables: [{ rowsSource: 1 }] });
});

test('a partitioned table is compared with all its partitions', async () => {
  await sql(`create table own.parted (id int primary key) partition by range (id);
    create table own.parted_1 partition of own.parted default; insert into own.parted values (1), (2)`);
  await live(await captured('own.parted'), 'values (1), (2)');
  expect(await verifyOwn(['own.parted'])).toMatchObject({ result: 'equal', tables: [{ rowsSource: 2 }] });
});

test('a table that may not be read, and one that is gone, are named; the others are compared', async () => {
  const role = freshPipelineName();
  await sql(`create table own.secret (id int primary key); create table own.gone (id int primary key);
    create role ${role} login password 'pw'; create table own.open (id int primary key); insert into own.open values (1); grant usage on schema own to ${role}; grant select on own.open to ${role}`);
  for (const name of ['secret', 'gone']) await live(await captured(`own.${name}`), 'select 1 where false');
  await live(await captured('own.open'), 'values (1)');
  await sql('drop table own.gone');
  const roleUrl = Object.assign(new URL(url), { username: role, password: 'pw' }).href;
  const { result, tables } = await verifyOwn(['own.gone', 'own.open', 'own.secret'], { url: roleUrl });
  expect(result).toBe('not-comparable');
  expect(tables).toMatchObject([
    { table: 'own.gone', result: 'not-comparable' },
    { table: 'own.open', result: 'equal', rowsSource: 1 },
    { table: 'own.secret', reason: expect.stringContaining('SOURCE_PERMISSION_DENIED') },
  ]);
  await sql(`drop owned by ${role}; drop role ${role}`);
});

test('rows of any length are compared, their quotes and NULLs too', { timeout: 120_000 }, async () => {
  await sql(`create table own.docs (id int primary key, body text, raw bytea, note text);
    insert into own.docs values (1, repeat('"a,', 12000000), decode(repeat('ab', 12000000), 'hex'), null), (2, 'short', null, '')`);
  await live(
    await captured('own.docs'),
    `select 1, repeat('"a,', 12000000), unhex(repeat('ab', 12000000)), null union all values (2, 'short', null, '')`,
  );
  expect(await verifyOwn(['own.docs'])).toMatchObject({ result: 'equal', tables: [{ rowsSource: 2 }] });
});

test('a long value that differs is named, and one that only looks like the digest of another', async () => {
  const digest = createHash('sha256').update('z'.repeat(5_000_000)).digest('hex');
  await sql(`create table own.texts (id int primary key, body text, note text);
    insert into own.texts select i, repeat('z', 5000000), null from generate_series(1, 4) i`);
  await live(
    await captured('own.texts'),
    `select i, repeat('z', 5000000) || if(i = 2, '.', ''), null from range(1, 4) r(i)
     union all select 4, '${digest}', null`,
  );
  const { tables } = await verifyOwn(['own.texts']);
  expect(tables[0]?.differing).toEqual([2, 4].map((id) => ({ key: [`${id}`], kind: 'different', columns: ['body'] })));
});

test('a row larger than source.maxRowBytes is named, and ends nothing else', async () => {
  await sql(
    `create table own.huge (id int primary key, body text); insert into own.huge values (1, repeat('x', 9000000))`,
  );
  await live(await captured('own.huge'), 'select 1, null where false');
  await sql('create table own.slight (id int primary key)');
  await live(await captured('own.slight'), 'select 1 where false');
  expect(await verifyOwn(['own.huge', 'own.slight'], { maxRowBytes: 4 * MIB })).toMatchObject({
    result: 'not-comparable',
    tables: [{ table: 'own.huge', reason: expect.stringContaining('VALUE_TOO_LARGE') }, { result: 'equal' }],
  });
});
