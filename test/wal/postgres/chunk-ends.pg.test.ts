import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chunkEnds } from '../../../activities/wal/postgres/chunk-ends.ts';
import { behindSql, upToSql } from '../../../activities/wal/postgres/key-order.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { capturedTable } from './captured-table.ts';
import { atMost, chunkOf, type TextRow } from './snapshot-rows.ts';

const database = freshDatabase();
let source: Source;

const sql = (text: string) => withClient(database.url, (client) => client.query(text));

beforeAll(async () => {
  source = await openSource(database.url, 'walflow test');
});

afterAll(() => source.close());

const tableOf = (name: string) => capturedTable(source, name);

/** Every row, range by range, and how many each range has. */
async function readRanges(
  table: CapturedTable,
  ends: readonly (readonly string[])[],
): Promise<{ readonly rows: TextRow[]; readonly counts: number[] }> {
  const rows: TextRow[] = [];
  const counts: number[] = [];
  let after: readonly string[] | null = null;
  for (const upTo of [...ends, null]) {
    const chunk = await chunkOf(source, table, after, { ...atMost(100_000), upTo });
    expect(chunk).toMatchObject({ last: upTo === null, overflowed: false, connectionEnded: false });
    if (upTo !== null) expect(chunk.lastKey).toEqual(upTo);
    rows.push(...chunk.rows);
    counts.push(chunk.rows.length);
    after = chunk.lastKey;
  }
  return { rows, counts };
}

describe('chunks of a table whose rows do not lie in key order', () => {
  it('end at keys a chunk of rows apart, behind the key that is given', async () => {
    await sql(`create table scattered (id uuid primary key, i int);
      insert into scattered select md5(i::text)::uuid, i from generate_series(1, 20000) i`);
    const table = await tableOf('public.scattered');
    const ends = await chunkEnds(source, table, null, 2_000);
    const { rows, counts } = await readRanges(table, ends);
    expect(rows.map(([, i]) => Number(i)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20_000 }, (_, i) => i + 1),
    );
    expect(ends.length).toBeGreaterThan(4);
    expect(Math.max(...counts)).toBeLessThan(6_000);
    const behind = await chunkEnds(source, table, ['80000000-0000-0000-0000-000000000000'], 2_000);
    expect(behind.length).toBeGreaterThan(1);
    for (const [id = ''] of behind) expect(id > '8').toBe(true);
  });

  it.each([
    [
      'text under a linguistic collation',
      'a text collate "und-x-icu"',
      'a',
      `case i % 2 when 0 then 'K' else 'k' end || i`,
    ],
    ['case-insensitive text of an extension', 'a citext', 'a', `case i % 2 when 0 then 'K' else 'k' end || i`],
    [
      'float with its special values',
      'a float8',
      'a',
      `case i when 3 then 'NaN' when 4 then '-Infinity' else i / 3.0 end`,
    ],
    ['two columns', 'a int, b text', 'a, b', `i % 7, 'b' || i`],
    ['columns with operators in several schemas', 'a int, b apart.ltree', 'a, b', `i % 7, ('x.' || i)::apart.ltree`],
  ])('have every row once, by keys of %s', async (_, columns, key, values) => {
    await sql(`create extension if not exists citext; create schema if not exists apart;
      create extension if not exists ltree schema apart; drop table if exists keys;
      create table keys (${columns}, i int, primary key (${key}));
      insert into keys select ${values}, i from generate_series(1, 300) i order by md5(i::text)`);
    const table = await tableOf('public.keys');
    const ends = await chunkEnds(source, table, null, 40);
    expect(ends).toHaveLength(7);
    const { rows, counts } = await readRanges(table, ends);
    expect(new Set(rows.map((row) => row.at(-1))).size).toBe(300);
    expect(counts).toEqual([40, 40, 40, 40, 40, 40, 40, 20]);
  });

  it('are read through a partitioned table’s root', async () => {
    await sql(`create table parts (id uuid primary key, i int) partition by hash (id);
      create table parts_0 partition of parts for values with (modulus 2, remainder 0);
      create table parts_1 partition of parts for values with (modulus 2, remainder 1);
      insert into parts select md5(i::text)::uuid, i from generate_series(1, 300) i`);
    const table = await tableOf('public.parts');
    const { rows, counts } = await readRanges(table, await chunkEnds(source, table, null, 100));
    expect(rows).toHaveLength(300);
    expect(counts).toEqual([100, 100, 100, 0]);
  });

  it('are given up when far more rows than planned lie in one', async () => {
    const table = await tableOf('public.scattered');
    const own = await openSource(database.url, 'walflow test');
    const upTo = ['f0000000-0000-0000-0000-000000000000'];
    const chunk = await chunkOf(own, table, null, { ...atMost(1_000), upTo });
    expect(chunk).toMatchObject({ overflowed: true, lastKey: null, last: false, connectionEnded: true });
    await own.close();
  });
});

it('a table in key order is read in that order', async () => {
  await sql(
    'create table in_order (id bigserial primary key); insert into in_order select from generate_series(1, 5000)',
  );
  expect(await chunkEnds(source, await tableOf('public.in_order'), null, 500)).toEqual([]);
});

it.each([
  ['one operator serves all columns', 'pg_catalog'],
  ['each column has its own', 'public'],
])('a range of keys is found by the index, where %s', async (_, schema) => {
  await sql(`drop table if exists wide; create table wide (a int, b varchar(20), primary key (a, b));
    insert into wide select i / 10, 'b' || i % 10 from generate_series(1, 20000) i; analyze wide;
    create or replace function at_most(varchar, varchar) returns bool language sql immutable as 'select $1 <= $2';
    drop operator if exists public.<= (varchar, varchar);
    create operator public.<= (function = at_most, leftarg = varchar, rightarg = varchar)`);
  const operators = ['pg_catalog', schema].map((home) => ({
    ...{ less: 'operator(pg_catalog.<)', lessOrEqual: `operator(${home}.<=)` },
    ...{ greater: 'operator(pg_catalog.>)', greaterOrEqual: 'operator(pg_catalog.>=)' },
  }));
  const key = (a: number) => [`${a}::integer`, `'b5'::character varying(20)`];
  const range = `${behindSql(['a', 'b'], key(1000), operators)} and ${upToSql(['a', 'b'], key(1010), operators)}`;
  const { rows } = await sql(`explain select a, b from only wide where ${range}`);
  expect(JSON.stringify(rows)).toMatch(/Index Cond.*<=/);
});
