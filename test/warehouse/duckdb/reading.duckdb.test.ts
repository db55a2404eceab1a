// Readers that want too much: each is ended with a reason, and neither the process nor its merges feel it. What is bounded is
// the kind: text, lists and rows of any size, whatever function makes them.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { answer } from '../../../activities/warehouse/duckdb/reading/answer.ts';
import type { QueryLimits, QueryValue } from '../../../activities/warehouse/query.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const LIMITS: QueryLimits = { maxRows: 10_000, maxBytes: 8_000_000, timeoutMs: 120_000 };
const PATIENCE = { timeout: 180_000 };

const ask = (sql: string, limits: Partial<QueryLimits> = {}, parameters: readonly QueryValue[] = []) =>
  warehouse.port.query(sql, parameters, { ...LIMITS, ...limits });
const codeOf = async (sql: string, limits: Partial<QueryLimits> = {}) =>
  await ask(sql, limits).then(
    () => 'answered',
    (failure: { code?: string }) => failure.code ?? String(failure),
  );

beforeAll(async () => {
  await warehouse.owner.use(async (session) => {
    await session.run('create schema shop');
    await session.run(`create table shop.orders as select range as id, 'order ' || range as title, [range, -range] as pair,
      range % 3 = 0 as paid, (range * 1.5)::decimal(12, 2) as total, timestamptz '2026-01-01' as made from range(5000)`);
    await session.run(`create table "Large" as select range as id, repeat('é', 500000) as doc from range(40)`);
  });
});

/** The most memory that this process took meanwhile, beyond what it had before. */
async function growthDuring(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const meter = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 10);
  await work().finally(() => clearInterval(meter));
  return most - before;
}

describe('values of any size', () => {
  test.each([
    ['references to one large text', `select s from (select repeat('x', 4000000) s from range(1)) a, range(2048) b`],
    ['a chunk of large texts', `select max(length(repeat(chr((97 + range % 7)::int), 10000000))) from range(2048)`],
    ['padding', `select sum(length(lpad(range::varchar, 10000000, 'y'))) from range(2048)`],
    ['formats', `select sum(length(printf('%10000000d', range))) from range(2048)`],
    [
      'doubling a few times',
      `with a as (select title || title as t from shop.orders), b as (select t || t || t || t as t from a),
      c as (select t || t || t as t from b) select max(length(repeat(t, 100000))) from c`,
    ],
    ['a list of numbers', 'select len(range(500000000 + range)) from range(10)'],
    ['doubling', `with recursive t(x) as (select 'x' union all select x || x from t) select max(length(x)) from t`],
    ['all pairs of letters', `select damerau_levenshtein(repeat('a', 90000), repeat('b', 90000))`],
    ['values that an aggregate keeps', 'select quantile_cont(random(), 0.5) from range(1000000000)'],
  ])('%s end the query, not the process', PATIENCE, async (_, sql) => {
    const growth = await growthDuring(async () => expect(await codeOf(sql)).toBe('QUERY_TOO_LARGE'));
    expect(growth).toBeLessThan(100_000_000);
  });

  test.each([
    ['a list aggregate', 'select list(range) from range(1000000000)'],
    ['a text aggregate', `select string_agg(range::varchar, ',') from range(1000000000)`],
    [
      'joined texts that are kept',
      `select count(distinct a.title || b.title || c.title || $$x$$) from shop.orders a, shop.orders b, shop.orders c`,
    ],
  ])('%s end the query while it grows', PATIENCE, async (_, sql) => {
    const growth = await growthDuring(async () => expect(await codeOf(sql)).toBe('QUERY_TOO_LARGE'));
    expect(growth).toBeLessThan(300_000_000);
  });

  test('large values of a table are bounded before they are made', async () => {
    expect(await codeOf('select doc from "Large"')).toBe('QUERY_TOO_LARGE');
    expect((await ask('select doc from "Large" where id = 1')).rows[0]?.[0]).toHaveLength(500_000);
  });

  test.each([
    ['text', `(select min(doc) from "Large")`, 1_000_000],
    ['bytes', `'\\x00\\x01'::blob`, 8],
    ['bits', `'0101010101010101'::bit`, 16],
    ['a list', `[range(1000)]`, 24_000],
    ['an array', `range(1000)::int[1000]`, 24_000],
    ['a struct', `{'name': range(1000)}`, 24_000],
    ['a map', `map {'k': range(1000)}`, 24_000],
    ['a union', `union_value(many := range(1000))`, 24_000],
    ['a variant', `{'a': range(1000)}::variant`, 24_000],
  ])('%s counts as large as it becomes', PATIENCE, async (_, value, bytes) => {
    expect(await codeOf(`select ${value}`, { maxBytes: Math.floor(bytes * 0.9) })).toBe('QUERY_TOO_LARGE');
    expect(await codeOf(`select ${value}`, { maxBytes: bytes * 10 + 200 })).toBe('answered');
  });

  test('NULL is small, whatever its vector holds', async () => {
    const sql = `select case when id > 38 then 'x' end as a, nullif(title, title) as b from shop.orders where id < 40`;
    expect(await codeOf(sql, { maxBytes: 5_000 })).toBe('answered');
  });
});

describe('rows of any number', () => {
  test.each([
    ['a sort', 'select a.id from shop.orders a, shop.orders b order by random()'],
    ['distinct values', 'select count(distinct hash(a.id, b.id)) from shop.orders a, shop.orders b, range(100)'],
  ])('%s that takes too much memory is ended', PATIENCE, async (_, sql) => {
    const growth = await growthDuring(async () => expect(await codeOf(sql)).toBe('QUERY_TOO_LARGE'));
    expect(growth).toBeLessThan(300_000_000);
  });

  test('an answer that takes more memory than a short read may is given in its turn', async () => {
    const rss = vi.spyOn(process.memoryUsage, 'rss').mockReturnValue(150_000_000).mockReturnValueOnce(100_000_000);
    onTestFinished(() => rss.mockRestore());
    const slow = 'select count(*) as n from range(100000000) where hash(range) = 0';
    expect((await ask(slow)).rows).toEqual([[1]]);
    expect(rss.mock.calls.length).toBeGreaterThan(2);
  });

  test('an answer that takes longer is whole: a read that begins again loses no row', async () => {
    const slow = 'select sum(a.id * b.id) as n from shop.orders a, shop.orders b';
    expect((await ask(slow)).rows).toEqual([[12_497_500 ** 2]]);
  });

  test('an interrupt that meets a stream between two steps does not make it look complete', async () => {
    const connection = await warehouse.owner.connectReader();
    let checks = Number.NaN;
    // Rows that the engine has computed ahead still come.
    const limits = { maxRows: 10_000_000, maxBytes: 1_000_000_000 };
    const read = { sql: 'select a.id from shop.orders a, shop.orders b', parameters: [], limits };
    const reader = {
      rows: () => {
        connection.interrupt();
        checks = 0;
      },
      // The check before the next step comes too early to see it.
      check: () => {
        checks += 1;
        if (checks > 1) throw new WalflowError('QUERY_TIMEOUT', 'interrupted');
      },
    };
    await expect(answer(connection, read, reader)).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
    connection.closeSync();
  });
});

describe('a query that runs apart', PATIENCE, () => {
  test('sees the tables it names as they are, with their types', async () => {
    const sql = `select repeat(title, 1) || '!' as t, pair, paid, total, made, $1 as p from SHOP."Orders" where id = 4999`;
    expect(await ask(sql, {}, ['x'])).toEqual({
      columns: [
        { name: 't', type: 'VARCHAR' },
        { name: 'pair', type: 'BIGINT[]' },
        { name: 'paid', type: 'BOOLEAN' },
        { name: 'total', type: 'DECIMAL(12,2)' },
        { name: 'made', type: 'TIMESTAMP WITH TIME ZONE' },
        { name: 'p', type: 'VARCHAR' },
      ],
      rows: [['order 4999!', [4999, -4999], false, '7498.50', '2026-01-01 00:00:00+00', 'x']],
    });
    expect((await ask(`select repeat(length(doc)::varchar, 1) from pg_walflow."large" where id = 7`)).rows).toEqual([
      ['500000'],
    ]);
  });

  test('finds every table when it asks which there are', async () => {
    const sql = `select repeat(string_agg(table_name, ',' order by table_name), 1) from information_schema.tables
      where table_schema in ('shop', 'main')`;
    expect((await ask(sql)).rows).toEqual([['Large,orders']]);
  });

  test('hears in the engine’s words what is wrong with it', async () => {
    await expect(ask(`select repeat(nope, 1) from shop.orders`)).rejects.toMatchObject({
      code: 'QUERY_INVALID',
      message: expect.stringContaining('nope'),
    });
    await expect(ask(`select repeat(from_file, 1) from read_text('/etc/passwd')`)).rejects.toMatchObject({
      code: 'QUERY_FORBIDDEN',
    });
  });

  test('leaves nothing behind, also when nobody waits for it any more', async () => {
    const gone = new AbortController();
    const endless = `select max(length(repeat(a.title, 1 + (b.id + c.id) % 2))) from shop.orders a, shop.orders b, shop.orders c`;
    const asked = ask(endless, { signal: gone.signal });
    await sleep(1_000);
    const abortedMs = performance.now();
    gone.abort();
    await expect(asked).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
    expect(performance.now() - abortedMs).toBeLessThan(1_000);
    expect(readdirSync(join(warehouse.spool, '.reads'))).toEqual([]);
    expect(await warehouse.rows(`select 1 from duckdb_databases() where database_name like 'pg_copy%'`)).toEqual([]);
  });
});

test('too many readers are told to come again, and one who waits in vain is let go', PATIENCE, async () => {
  const busy = 'select count(*) from shop.orders a, shop.orders b, shop.orders c where a.id + b.id = c.id * 2';
  const gone = new AbortController();
  const asked = Array.from({ length: 101 }, () =>
    ask(busy, { signal: gone.signal }).catch(({ code }: { code: string }) => code),
  );
  expect(await asked.at(-1)).toBe('QUERY_BUSY');
  const abortedMs = performance.now();
  gone.abort();
  expect(new Set((await Promise.all(asked)).slice(0, -1))).toEqual(new Set(['QUERY_TIMEOUT']));
  expect(performance.now() - abortedMs).toBeLessThan(2_000);
  expect((await ask('select 1')).rows).toEqual([[1]]);
});
