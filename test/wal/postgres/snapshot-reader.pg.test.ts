import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blockersText } from '../../../activities/wal/blocker-text.ts';
import { type Blocker, takeHorizon } from '../../../activities/wal/postgres/blockers.ts';
import { behindSql, orderSql } from '../../../activities/wal/postgres/key-order.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { runningBelow, waitForTransactions } from '../../../activities/wal/postgres/snapshot-reader.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { record } from '../replication-recorder.ts';
import { capturedTable } from './captured-table.ts';
import { atMost, chunkOf, readAll as readEvery, snapshotOf } from './snapshot-rows.ts';

const database = freshDatabase();
let source: Source;

const sql = (text: string) => withClient(database.url, (client) => client.query(text));

beforeAll(async () => {
  source = await openSource(database.url, 'walflow test');
});

afterAll(() => source.close());

const tableOf = (name: string) => capturedTable(source, name);

const MIB = 1024 * 1024;
const readAll = (table: CapturedTable, limit: number) => readEvery(database.url, table, atMost(limit));

describe('readChunk', () => {
  it('reads every row once, in key order, whatever the chunk size', async () => {
    await sql(`create table plain (id bigint primary key, v text);
      insert into plain select i * 7 - 100, 'v' || i from generate_series(1, 95) i`);
    const table = await tableOf('public.plain');
    const expected = Array.from({ length: 95 }, (_, i) => [String((i + 1) * 7 - 100), `v${i + 1}`]);
    for (const limit of [1, 10, 95, 1000]) expect(await readAll(table, limit)).toEqual(expected);
  });

  it('reads an empty table', async () => {
    await sql('create table nothing (id int primary key)');
    const chunk = await chunkOf(source, await tableOf('public.nothing'), null, atMost(10));
    expect(chunk).toMatchObject({ rows: [], lastKey: null });
  });

  it('ends a chunk of large rows before its memory is full, and says that it is not the last', async () => {
    await sql(`create table large (id int primary key, body text);
      insert into large select i, repeat(md5(i::text), 4096) from generate_series(1, 200) i`);
    const table = await tableOf('public.large');
    const counts: number[] = [];
    const rows = await readEvery(database.url, table, atMost(50_000, 4 * MIB), (count) => counts.push(count));
    const ids = rows.map(([id]) => String(id));
    expect(ids.map(Number)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    // 128 KiB a row.
    expect(Math.max(...counts)).toBeLessThanOrEqual(33);
    expect(Math.min(...counts.slice(0, -1))).toBeGreaterThan(30);
  });

  it('walks composite keys in index order', async () => {
    await sql(`create table pairs (a int, b text, c date, primary key (c, b));
      insert into pairs select i, chr(97 + i % 5), date '2026-01-01' + i / 5 from generate_series(0, 49) i`);
    const rows = await readAll(await tableOf('public.pairs'), 7);
    expect(rows.map(([a]) => Number(a))).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it.each([
    [
      'text under a linguistic collation',
      'text collate "und-x-icu"',
      `'k-' || case i % 2 when 0 then upper(chr(97 + i)) else chr(97 + i) end`,
    ],
    [
      'case-insensitive text of an extension',
      'citext',
      `case i % 2 when 0 then upper(chr(97 + i)) else chr(97 + i) end`,
    ],
    ['unconstrained numeric', 'numeric', `(i - 10) * 1.50`],
    ['float with its special values', 'float8', `case i when 3 then 'NaN' when 4 then '-Infinity' else i / 3.0 end`],
    ['timestamptz with infinity', 'timestamptz', `case i when 3 then 'infinity' else now() + i * interval '1 s' end`],
    ['uuid', 'uuid', `md5(i::text)::uuid`],
    ['bytea', 'bytea', `decode(md5(i::text), 'hex')`],
    ['padded characters', 'char(10)', `'c' || i`],
    ['an array', 'int[]', `array[i % 4, i]`],
    ['an enum, in its own order', 'mood', `(enum_range(null::mood))[i + 1]`],
    ['a domain', 'positive', `i + 1`],
  ])('walks keys of %s', async (_, type, value) => {
    await sql(`create extension if not exists citext; drop table if exists keys; drop type if exists mood; drop domain if exists positive;
      create type mood as enum ('z1','a2','y3','b4','x5','c6','w7','d8','v9','e10','u11','f12','t13','g14','s15','h16','r17','i18','q19','j20');
      create domain positive as int check (value > 0);
      create table keys (k ${type} primary key, i int); insert into keys select ${value}, i from generate_series(0, 19) i`);
    const table = await tableOf('public.keys');
    const rows = await readAll(table, 3);
    expect(rows).toHaveLength(20);
    expect(new Set(rows.map(([, i]) => i)).size).toBe(20);
  });

  it.each([
    ['ltree', `('a.' || i)::apart.ltree`],
    ['cube', `apart.cube(array[i, -i]::float8[])`],
    ['seg', `(i || ' .. ' || i + 1)::apart.seg`],
    ['isbn13', `('978' || lpad(i::text, 9, '0') || '?')::apart.isbn13`],
    ['hstore', `apart.hstore('k', i::text)`],
    ['citext', `case i % 2 when 0 then upper(chr(97 + i)) else chr(97 + i) end`],
  ])('walks keys of %s, whose operators are in a schema of their own', async (type, value) => {
    const extension = type === 'isbn13' ? 'isn' : type;
    await sql(`create schema if not exists apart; drop extension if exists ${extension} cascade;
      create extension ${extension} schema apart; drop table if exists keys; create table keys (k apart.${type} primary key, i int); insert into keys select ${value}, i from generate_series(0, 19) i`);
    const rows = await readAll(await tableOf('public.keys'), 3);
    const { rows: expected } = await sql('select k::text, i::text from keys order by keys.k');
    expect(rows).toEqual(expected.map(({ k, i }) => [k, i]));
    await sql(`drop extension ${extension} cascade; drop table keys`);
  });

  it('walks a key whose columns have operators in several schemas, and one ordered by other operators', async () => {
    await sql(`create schema if not exists apart; create extension if not exists ltree schema apart;
      create table several (a int, b apart.ltree, c text, primary key (a, b, c));
      insert into several select i % 3, ('x.' || i % 4)::apart.ltree, 'c' || i from generate_series(0, 35) i;
      create table patterned (c text not null, i int); create unique index patterned_c on patterned (c text_pattern_ops);
      alter table patterned replica identity using index patterned_c;
      insert into patterned select chr(65 + i) || chr(97 + 25 - i), i from generate_series(0, 19) i`);
    for (const limit of [1, 4, 7]) {
      expect(new Set((await readAll(await tableOf('public.several'), limit)).map(([, , c]) => c)).size).toBe(36);
      expect(await readAll(await tableOf('public.patterned'), limit)).toHaveLength(20);
    }
    await sql('drop table several; drop extension ltree cascade');
  });

  it('finds the captured key gone', async () => {
    await sql(`create table unkeyed (id int primary key); insert into unkeyed values (1)`);
    const table = await tableOf('public.unkeyed');
    await sql('alter table unkeyed drop constraint unkeyed_pkey');
    expect(await chunkOf(source, table, null, atMost(1))).toMatchObject({ rows: [], asCaptured: false });
  });

  it.each([
    ['one operator serves all columns', ['operator(pg_catalog.>)', 'operator(pg_catalog.>)']],
    ['each column has its own', ['operator(pg_catalog.>)', 'operator(public.>)']],
  ])('uses the key\u2019s index for a chunk in the middle, where %s', async (_, [a, b]) => {
    await sql(`drop table if exists wide; create table wide (a int, b varchar(20), primary key (a, b));
      insert into wide select i / 10, 'b' || i % 10 from generate_series(1, 20000) i; analyze wide;
      create or replace function greater(varchar, varchar) returns bool language sql immutable as 'select $1 > $2';
      drop operator if exists public.> (varchar, varchar);
      create operator public.> (function = greater, leftarg = varchar, rightarg = varchar)`);
    const operators = [a, b].map((greater = '') => ({
      greater,
      ...{ less: 'operator(pg_catalog.<)', lessOrEqual: 'operator(pg_catalog.<=)' },
      greaterOrEqual: 'operator(pg_catalog.>=)',
    }));
    const behind = behindSql(['a', 'b'], ['1000::integer', `'b5'::character varying(20)`], operators);
    const order = orderSql(['a', 'b'], operators);
    const { rows } = await sql(`explain select a, b from only wide where ${behind} order by ${order} limit 100`);
    expect(JSON.stringify(rows)).toContain('Index Cond');
  });

  it('gives awkward names and values as the server prints them', async () => {
    await sql(`create table "Größe.%" ("select" int primary key, "a""b" text);
      insert into "Größe.%" values (1, null), (2, ''), (3, E'tab\\t "quote" \\\\ 😀')`);
    expect(await readAll(await tableOf('public.Größe%2E%25'), 2)).toEqual([
      ['1', null],
      ['2', ''],
      ['3', 'tab\t "quote" \\ 😀'],
    ]);
  });

  it('leaves generated columns out and reads a partitioned table by its root, a plain parent alone', async () => {
    await sql(`create table area (w int, a int generated always as (w * w) stored, h int, primary key (w)); insert into area values (1, default, 2);
      create table parted (id int primary key) partition by range (id);
      create table parted_1 partition of parted for values from (0) to (10); create table parted_2 partition of parted default;
      insert into parted select generate_series(5, 14);
      create table base (id int primary key); create table derived () inherits (base);
      insert into base values (1); insert into derived values (2)`);
    expect(await readAll(await tableOf('public.area'), 5)).toEqual([['1', '2']]);
    expect(await readAll(await tableOf('public.parted'), 3)).toHaveLength(10);
    expect(await readAll(await tableOf('public.base'), 3)).toEqual([['1']]);
  });

  it('notices between two chunks that the table changed', async () => {
    await sql(`create table changing (id int primary key, a int); insert into changing values (1, 1), (2, 2)`);
    const table = await tableOf('public.changing');
    const before = await chunkOf(source, table, null, atMost(1));
    expect(before.asCaptured).toBe(true);
    await sql('vacuum full changing');
    const moved = await chunkOf(source, table, before.lastKey, atMost(1));
    expect(moved, 'other files, the same values').toMatchObject({ rows: [['2', '2']], asCaptured: true });
    await sql('alter table changing alter column a type int using a * 10');
    const rewritten = await chunkOf(source, table, before.lastKey, atMost(1));
    expect(rewritten, 'the same shape, other values').toMatchObject({ rows: [], asCaptured: false });
    const again = await tableOf('public.changing');
    expect((await chunkOf(source, again, null, atMost(1))).rows).toEqual([['1', '10']]);
    await sql('alter table changing drop column a; alter table changing add column a int');
    expect(await chunkOf(source, again, null, atMost(1)), 'another column').toMatchObject({
      rows: [],
      asCaptured: false,
    });
    await sql('alter table changing drop column a');
    expect(await chunkOf(source, again, null, atMost(1))).toMatchObject({ rows: [], asCaptured: false });
    await sql('drop table changing');
    await expect(chunkOf(source, table, null, atMost(1))).rejects.toMatchObject({ code: 'SOURCE_TABLE_MISSING' });
  });
});

describe('waitForTransactions', () => {
  const signal = new AbortController().signal;

  it('waits for what runs now, says for whom, and not for what begins later', { timeout: 30_000 }, async () => {
    await sql('create table held (id int)');
    const told: Blocker[][] = [];
    await withClient(database.url, async (early) => {
      await early.query(`set application_name = 'nightly job'; begin; insert into held values (1)`);
      let over = false;
      const waiting = waitForTransactions(source, { onBlocked: (b) => told.push([...b]), signal }).then(() => {
        over = true;
      });
      await expect.poll(() => told.length, { timeout: 15_000 }).toBeGreaterThan(0);
      expect(told[0]).toEqual([expect.objectContaining({ applicationName: 'nightly job', prepared: null })]);
      await withClient(database.url, async (late) => {
        await late.query('begin; insert into held values (2)');
        expect(over).toBe(false);
        await early.query('commit');
        await waiting;
        await late.query('rollback');
      });
    });
  });

  it('ignores other databases\u2019 transactions and readers without a transaction id', async () => {
    const other = new URL(database.url);
    other.pathname = '/postgres';
    await withClient(other.href, async (client) => {
      await client.query('begin; select pg_current_xact_id()');
      await withClient(database.url, async (reader) => {
        await reader.query('begin isolation level repeatable read; select 1');
        await waitForTransactions(source, { onBlocked: () => {}, signal });
        await reader.query('rollback');
      });
      await client.query('rollback');
    });
  });

  it('names what still runs below a horizon, also to a later look, and not what began since', async () => {
    await withClient(database.url, async (early) => {
      await early.query(`begin; select pg_current_xact_id()`);
      const horizon = await takeHorizon(source.connection);
      await withClient(database.url, async (late) => {
        await late.query('begin; select pg_current_xact_id()');
        const before = await runningBelow(source, horizon, 100, signal);
        expect(before).toEqual([expect.objectContaining({ database: database.name, state: 'idle in transaction' })]);
        expect(blockersText(before)).toMatch(
          /^pid \d+ \(user postgres, database walflow_test_\w+, idle in transaction, \d+ s\)$/,
        );
        await early.query('commit');
        expect(await runningBelow(source, horizon, 5_000, signal)).toEqual([]);
        await late.query('rollback');
      });
    });
  });

  it('ends when its caller gives up', async () => {
    await withClient(database.url, async (client) => {
      await client.query('begin; create table held_too (id int)');
      const controller = new AbortController();
      const waiting = waitForTransactions(source, { onBlocked: () => {}, signal: controller.signal });
      controller.abort(new Error('given up'));
      await expect(waiting).rejects.toThrow('given up');
      await client.query('rollback');
    });
  });

  it('leaves no row between chunk and log: each is in one of both, under concurrent writers', {
    timeout: 60_000,
  }, async () => {
    const slot = freshPipelineName();
    await sql('create table busy (id int primary key); create publication busy for table busy');
    await createSlot(database.url, slot, { onWaiting: () => {} });
    const written: number[] = [];
    let writing = true;
    const writer = async (first: number) => {
      await withClient(database.url, async (client) => {
        for (let id = first; writing; id += 4) {
          await client.query(`begin; insert into busy values (${id})`);
          await client.query('commit');
          written.push(id);
          // Slower than rows are copied, or the copy would never reach the end of the table.
          await sleep(1);
        }
      });
    };
    const writers = [1, 2, 3, 4].map(writer);
    const recorder = await record({ url: database.url, slot, publications: ['busy'] });
    await recorder.untilInserted(50);
    const r0 = await source.insertLsn();
    await waitForTransactions(source, { onBlocked: () => {}, signal });
    const copied = (await readAll(await tableOf('public.busy'), 40)).map(([id]) => id);
    await recorder.untilInserted(copied.length);
    writing = false;
    await Promise.all(writers);
    await recorder.untilInserted(written.length);
    await recorder.stream.stop();
    // What the log holds from R0 on; recorded per row, as every transaction here is one row.
    const commits = recorder.commitEnds();
    const streamed = recorder.inserted().filter((_, i) => (commits[i] ?? 0n) > r0);
    expect(new Set([...copied, ...streamed]).size).toBe(written.length);
    await dropSlot(source, slot, `walflow ${slot} stream`);
  });
});

describe('exactSnapshot', () => {
  it('is exactly what committed before its consistent point', { timeout: 60_000 }, async () => {
    const slot = freshPipelineName();
    await sql(
      `create table lines (at int); create publication lines for table lines with (publish = 'insert, truncate')`,
    );
    await createSlot(database.url, slot, { onWaiting: () => {} });
    let writing = true;
    let last = 0;
    const writer = withClient(database.url, async (client) => {
      for (; writing; last++) await client.query(`insert into lines values (${last})`);
    });
    await expect.poll(() => last).toBeGreaterThan(50);
    const counts: number[] = [];
    const { rows, point, begun } = await snapshotOf(
      database.url,
      await tableOf('public.lines'),
      atMost(10),
      async ({ length }) => void counts.push(length),
    );
    const copied = rows.map(([at]) => String(at));
    expect(begun).toEqual([point]);
    expect(Math.max(...counts)).toBe(10);
    const seen = last;
    await expect.poll(() => last).toBeGreaterThan(seen + 20);
    writing = false;
    await writer;
    const recorder = await record({ url: database.url, slot, publications: ['lines'] });
    await recorder.untilInserted(last);
    await recorder.stream.stop();
    const ends = recorder.commitEnds();
    const fromLog = recorder.inserted().filter((_, i) => (ends[i] ?? 0n) > point);
    expect([...copied, ...fromLog].map(Number)).toEqual(Array.from({ length: last }, (_, i) => i));
    await dropSlot(source, slot, `walflow ${slot} stream`);
  });

  it('hands large rows over before memory is full', async () => {
    await sql(`create table scans (body text);
      insert into scans select repeat(md5(i::text), 4096) from generate_series(1, 100) i`);
    const counts: number[] = [];
    const bounds = atMost(50_000, 4 * MIB);
    await snapshotOf(
      database.url,
      await tableOf('public.scans'),
      bounds,
      async ({ length }) => void counts.push(length),
    );
    expect(counts.reduce((sum, count) => sum + count)).toBe(100);
    expect(Math.max(...counts)).toBeLessThanOrEqual(33);
  });

  it('leaves no slot behind, also when the caller fails', async () => {
    await sql(`create table failing (at int); insert into failing values (1)`);
    const copy = snapshotOf(database.url, await tableOf('public.failing'), atMost(10), () =>
      Promise.reject(new Error('no space')),
    );
    await expect(copy).rejects.toThrow('no space');
    await expect
      .poll(async () => (await sql(`select from pg_replication_slots where database = current_database()`)).rows)
      .toEqual([]);
  });

  it('refuses a table that is no longer as captured', async () => {
    await sql(`create table altered (at int)`);
    const table = await tableOf('public.altered');
    await sql(`alter table altered add column more int`);
    await expect(snapshotOf(database.url, table, atMost(10))).rejects.toMatchObject({
      code: 'TABLE_SHAPE_CHANGED',
    });
  });

  it('reads names that need quoting, and partitions by their root', async () => {
    await sql(`create table "Log ""x""" ("an Ort" text) partition by list ("an Ort");
      create table "Log 1" partition of "Log ""x""" default; insert into "Log ""x""" values ('hier'), (null)`);
    const { rows } = await snapshotOf(database.url, await tableOf('public.Log "x"'), atMost(10));
    expect(rows).toEqual([['hier'], [null]]);
  });
});
