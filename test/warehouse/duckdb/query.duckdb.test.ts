import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { QueryLimits, QueryValue } from '../../../activities/warehouse/query.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const limits: QueryLimits = { maxRows: 5000, maxBytes: 1_000_000, timeoutMs: 20_000 };

const ask = (sql: string, parameters: readonly QueryValue[] = []) => warehouse.port.query(sql, parameters, limits);
const codeOf = async (sql: string) =>
  await ask(sql).then(
    () => 'answered',
    (failure: { code?: string }) => failure.code ?? String(failure),
  );
const firstRow = async (sql: string) => (await ask(sql)).rows[0];

beforeAll(async () => {
  mkdirSync(warehouse.spool, { recursive: true });
  writeFileSync(join(warehouse.spool, 'change.csv'), 'a,b\n1,2\n');
  await warehouse.owner.use(async (session) => {
    await session.run('create table numbers as select range as n from range(10)');
    await session.run('create schema "sales/eu?"');
    await session.run('create table "sales/eu?"."Q*\\1.csv" as select 42 as n');
    await session.run('create table "change.json" as select 43 as n');
    await session.run('create sequence counter');
    await session.run(`copy (select 1 as a) to '${join(warehouse.spool, 'change.parquet')}' (format parquet)`);
  });
});

describe('a query', () => {
  test('answers with names, types and values', async () => {
    expect(
      await ask(
        'with t as (from numbers) select n, n * 1.5 as half, $1 as word from t where n > $2 order by n limit 2',
        ['x', 7],
      ),
    ).toEqual({
      columns: [
        { name: 'n', type: 'BIGINT' },
        { name: 'half', type: 'DECIMAL(21,1)' },
        { name: 'word', type: 'VARCHAR' },
      ],
      rows: [
        [8, '12.0', 'x'],
        [9, '13.5', 'x'],
      ],
    });
    expect((await ask(`select '{}'::json as j where false`)).columns).toEqual([{ name: 'j', type: 'JSON' }]);
  });

  test.each([
    ['describe numbers'],
    ['show tables'],
    ['select count(*) from information_schema.tables'],
    [`select * from range(3) join unnest([1, 2]) on true`],
    ['select seq from _walflow.watermark'],
    ['pivot numbers on n % 2 in (0, 1) using count(*)'],
    [`select 'a/b.parquet' as path, '/etc/passwd'`],
  ])('may be: %s', async (sql) => {
    expect(await codeOf(sql)).toBe('answered');
  });

  test('is in order over many chunks', async () => {
    const { rows } = await ask('select range from range(4999)');
    expect(rows.map(([n]) => n)).toEqual(Array.from({ length: 4999 }, (_, i) => i));
  });

  test('hears in DuckDB’s words what is wrong with it', async () => {
    await expect(ask('selec 1')).rejects.toThrow('selec');
    await expect(ask('select nope from numbers')).rejects.toThrow('nope');
    await expect(ask('select $1')).rejects.toThrow('1 parameters');
    await expect(ask(`select 'x'::int`)).rejects.toMatchObject({ code: 'QUERY_INVALID' });
  });
});

test.each([
  ['insert into numbers values (1)'],
  ['update numbers set n = 1'],
  ['delete from numbers'],
  ['create table t as select 1'],
  ['create temp table t as select 1'],
  ['create view v as select 1'],
  ['create macro m() as 1'],
  ['drop table numbers'],
  ['alter table numbers add column x int'],
  [`attach '/tmp/x.db'`],
  [`attach ':memory:' as m`],
  ['detach temp'],
  [`copy numbers to '/tmp/numbers.csv'`],
  [`copy (select 1) to '/tmp/one.parquet'`],
  [`copy numbers from '/etc/passwd'`],
  [`export database '/tmp/out'`],
  [`import database '/tmp/out'`],
  ['pragma database_size'],
  [`set memory_limit = '10GB'`],
  ['set global enable_external_access = true'],
  ['reset lock_configuration'],
  [`set variable x = 1`],
  ['install httpfs'],
  ['load httpfs'],
  ['checkpoint'],
  ['begin'],
  ['use memory'],
  ['call pragma_version()'],
  ['explain analyze select 1'],
  ['prepare p as select 1'],
  ['execute p'],
  ['vacuum'],
  [`create secret s (type s3)`],
  ['merge into numbers using numbers m on true when matched then delete'],
  ['with x as (insert into numbers values (1) returning *) select * from x'],
])('a statement that is no read is refused: %s', async (sql) => {
  expect(['QUERY_NOT_READ_ONLY', 'QUERY_INVALID']).toContain(await codeOf(sql));
});

describe('files, hidden SQL and settings are out of reach', () => {
  const spooled = (name: string) => join(warehouse.spool, name);
  const attempts: readonly (readonly [string, () => string])[] = [
    ['read_parquet of the spool', () => `select * from read_parquet('${spooled('change.parquet')}')`],
    ['parquet_scan in a subquery', () => `select (select max(a) from parquet_scan('${spooled('change.parquet')}'))`],
    ['a file as a table', () => `from '${spooled('change.csv')}'`],
    [
      'a file in a join in a CTE',
      () => `with x as (select * from numbers join '${spooled('change.parquet')}' on true) from x`,
    ],
    ['a file in a histogram', () => `from histogram('${spooled('change.parquet')}', a)`],
    ['a file by its bare name', () => 'from "change.parquet"'],
    ['a compressed file', () => 'from "change.csv.gz"'],
    [
      'a file in a lateral join',
      () => `select * from numbers, lateral (select * from read_csv('${spooled('change.csv')}'))`,
    ],
    ['a file described', () => `describe from '${spooled('change.parquet')}'`],
    ['a file summarized', () => `summarize '${spooled('change.parquet')}'`],
    ['a file behind a union', () => `select 1 union all select a from '${spooled('change.csv')}'`],
    ['a file in EXISTS', () => `select 1 where exists (from read_text('/etc/passwd'))`],
    ['/etc/passwd', () => `from '/etc/passwd'`],
    ['read_text', () => `select * from read_text('/etc/passwd')`],
    ['read_blob', () => `select * from READ_BLOB('/etc/passwd')`],
    ['glob', () => `select * from glob('/etc/*')`],
    ['sniff_csv', () => `from sniff_csv('/etc/passwd')`],
    ['parquet_metadata', () => `from parquet_metadata('${spooled('change.parquet')}')`],
    ['the network', () => `from read_csv('https://example.com/x.csv')`],
    ['hidden SQL', () => `from query('select 1')`],
    ['a hidden table name', () => `from query_table('numbers')`],
    ['serialized SQL', () => `from json_execute_serialized_sql(json_serialize_sql('select 1'))`],
    ['secrets', () => 'from duckdb_secrets()'],
    ['logs', () => 'from duckdb_logs()'],
    ['a checkpoint', () => 'from force_checkpoint()'],
    ['a sequence', () => `select nextval('counter')`],
    ['the environment', () => `select getenv('HOME')`],
    ['a log entry', () => `select write_log('x')`],
  ];
  test.each(attempts)('%s', async (_, sql) => {
    expect(['QUERY_FORBIDDEN', 'QUERY_INVALID', 'QUERY_NOT_READ_ONLY']).toContain(await codeOf(sql()));
  });

  test('also where looking for them takes longer than a short turn', async () => {
    const connect = warehouse.owner.connectReader.bind(warehouse.owner);
    const slow = vi.spyOn(warehouse.owner, 'connectReader').mockImplementationOnce(async () => {
      const connection = await connect();
      const run = connection.runAndReadAll.bind(connection);
      connection.runAndReadAll = async (...args) => {
        await sleep(300);
        return await run(...args);
      };
      return connection;
    });
    onTestFinished(() => slow.mockRestore());
    expect(await codeOf(`from '${spooled('change.csv')}'`)).toBe('QUERY_FORBIDDEN');
  });

  test('but a table of the warehouse is one, whatever its name looks like', async () => {
    expect(await firstRow('select n from "sales/eu?"."Q*\\1.csv"')).toEqual([42]);
    expect(await firstRow('select n from pg_walflow."SALES/eu?"."q*\\1.CSV"')).toEqual([42]);
    expect(await firstRow('with x as (from "change.json") select n from x')).toEqual([43]);
    expect((await ask('describe "sales/eu?"."Q*\\1.csv"')).rows).toHaveLength(1);
    expect(await codeOf('from "sales/eu?"."Q*\\1.csv", "other.csv"')).toBe('QUERY_FORBIDDEN');
    expect(await codeOf('from "Q*\\1.csv"')).toBe('QUERY_FORBIDDEN');
  });

  test('and a reader hears so', async () => {
    expect(await codeOf(`from '/etc/passwd'`)).toBe('QUERY_FORBIDDEN');
    expect(await codeOf(`select * from read_csv('${spooled('change.csv')}')`)).toBe('QUERY_FORBIDDEN');
    expect(await codeOf('insert into numbers values (1)')).toBe('QUERY_NOT_READ_ONLY');
    expect(await codeOf(`attach '/tmp/x.db'`)).toBe('QUERY_NOT_READ_ONLY');
  });

  test('a deeply nested query is answered or refused, never a crash', async () => {
    const nested = `select ${'('.repeat(900)}1${')'.repeat(900)}`;
    const sums = `select ${Array(150).fill('1').join(' + ')}`;
    const selects = `${'select * from ('.repeat(200)}from read_text('/etc/passwd')${')'.repeat(200)}`;
    expect(['answered', 'QUERY_INVALID']).toContain(await codeOf(nested));
    expect(['answered', 'QUERY_INVALID']).toContain(await codeOf(sums));
    expect(['QUERY_FORBIDDEN', 'QUERY_INVALID']).toContain(await codeOf(selects));
  });
});

describe('values', () => {
  test.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', '9007199254740993'],
    ['(-170141183460469231731687303715884105727)::hugeint', '-170141183460469231731687303715884105727'],
    ['1.10::decimal(10, 2)', '1.10'],
    [`'nan'::double`, 'NaN'],
    [`'-inf'::float`, '-Infinity'],
    ['0.1::double', 0.1],
    [`timestamptz '2026-01-02 03:04:05.678901+09'`, '2026-01-01 18:04:05.678901+00'],
    [`timestamptz '-infinity'`, '-infinity'],
    [`date 'infinity'`, 'infinity'],
    [`date '0044-03-15 (BC)'`, '0044-03-15 (BC)'],
    [`date '0001-12-31 (BC)'`, '0001-12-31 (BC)'],
    [`timestamp '0001-02-29 (BC) 01:02:03.5'`, '0001-02-29 (BC) 01:02:03.5'],
    [`timestamptz '0001-12-31 (BC) 23:00:00+00'`, '0001-12-31 (BC) 23:00:00+00'],
    [`timestamp '0002-01-01 (BC)'`, '0002-01-01 (BC) 00:00:00'],
    [`[date '0001-12-31 (BC)']`, ['0001-12-31 (BC)']],
    [`'-0'::double`, '-0.0'],
    [`['-0'::float, 1.5::float]`, ['-0.0', 1.5]],
    [`chr(65279)`, '\ufeff'],
    [`chr(65279) || 'short'`, '\ufeffshort'],
    [`chr(65279) || repeat('long', 5)`, `\ufeff${'long'.repeat(5)}`],
    [`{'a': [chr(65279) || 'b']}`, { a: ['\ufeffb'] }],
    [`map {chr(65279) || 'k': chr(65279)}`, [{ key: '\ufeffk', value: '\ufeff' }]],
    [`'\\x00\\xFFa'::blob`, '\\x00\\xFFa'],
    [`'\\x5Cx00'::blob`, '\\x5Cx00'],
    [`[1, null]`, [1, null]],
    [`{'a': date '2026-01-01', 'b': [true]}`, { a: '2026-01-01', b: [true] }],
    [`map {'k': 9007199254740993}`, [{ key: 'k', value: '9007199254740993' }]],
    ['null', null],
    [`'{"n": 12345678901234567890}'::json`, '{"n": 12345678901234567890}'],
  ] as const)('%s', async (sql, value) => {
    expect(await firstRow(`select ${sql}`)).toEqual([value]);
  });

  test.each([
    [`interval '1 year -2 days'`],
    [`time '24:00:00'`],
    [`timetz '01:02:03+05:30'`],
    [`uuid '00000000-0000-0000-0000-000000000001'`],
    [`timestamp '12026-01-01 00:00:00'`],
    [`'0101'::bit`],
    [`'infinity'::timestamp_s`],
    [`'-infinity'::timestamp_ms`],
    [`'infinity'::timestamp_ns`],
    [`'-infinity'::timestamp`],
    [`timestamp_s '0001-12-31 (BC) 00:00:00'`],
    [`timestamp_ms '0001-12-31 (BC) 00:00:00.5'`],
    [`unhex('000102030405060708090a0b0c0d0e0f101f202122232425262728292a5b5c5d7e7f80a0ff')`],
    [`timestamp_ns '2026-01-01 00:00:00.123456789'`],
  ])('%s is text as DuckDB prints it', async (sql) => {
    const row = await firstRow(`select ${sql}, (${sql})::varchar`);
    expect(row?.[0]).toBe(row?.[1]);
  });
});
