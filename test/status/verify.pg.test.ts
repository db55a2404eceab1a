// `walflow verify` against a real source and a real warehouse: what differs is named, what merely is on its way is not.

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
import { TestWarehouse } from '../warehouse/duckdb/warehouse.ts';

const { url } = freshDatabase();
const warehouse = TestWarehouse.forFile();
const ROWS = `(1, 'one', 1.5::float8, true), (2, NULL, NULL, false), (3, '', 'NaN'::float8, NULL)`;
let entry: CaptureEntry;

beforeAll(async () => {
  await withClient(url, (client) =>
    client.query('create table items (id bigint primary key, name text, weight float8, fine boolean)'),
  );
  const source = await openSource(url, 'walflow test');
  const [found] = (await matchTables(source.connection, ['public.items'])).tables;
  await source.close();
  if (found === undefined) throw new Error('the table is not found');
  const snapshot = { id: 's1', r0Lsn: '0000000000000001', fromSeq: 1 };
  entry = { ...found.captured, schemaVersion: 'v1', snapshot };
});

beforeEach(async () => {
  await withClient(url, (client) => client.query(`truncate items; insert into items values ${ROWS}`));
  await warehouse.owner.use(async (session) => {
    await session.run('create schema if not exists public');
    await session.run('drop table if exists public.items');
    await session.run(createTableSql(entry, entry));
    await session.run(`insert into public.items select *, 1, now() from (values ${ROWS})`);
    await session.run('delete from _walflow.tables');
    await session.run(
      `insert into _walflow.tables (pipeline, table_id, schema_name, table_name, state, snapshot_id, r0_lsn, from_seq, schema_version, capture, changed_at)
       values ('shop', 'public.items', 'public', 'items', 'live', 's1', 1, 1, 'v1', $1::JSON, now())`,
      [JSON.stringify(entry)],
    );
  });
});

const inWarehouse = (sql: string) => warehouse.owner.use((session) => session.run(sql));

async function verify(change: Partial<VerifyRequest> = {}) {
  const pipeline = {
    name: 'shop',
    source: { url, tables: ['public.*'], newTables: 'add' },
  } as unknown as PipelineResources;
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
