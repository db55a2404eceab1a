// The guarded reader: one SELECT, within limits, that changes nothing. Only SQL that every engine understands.

import { beforeAll, describe, expect, test } from 'vitest';
import type { QueryLimits, QueryValue } from '../../../activities/warehouse/query.ts';
import { INT, TEXT, testEntry } from '../change-files.ts';
import type { WarehouseLab } from '../lab.ts';

const ROWS = 60;
const LIMITS: QueryLimits = { maxRows: 5000, maxBytes: 1_000_000, timeoutMs: 20_000 };
const entry = testEntry('reader.items', { id: INT, word: TEXT }, ['id']);

export function reader(lab: WarehouseLab): void {
  const ask = (sql: string, parameters: readonly QueryValue[] = [], limits: Partial<QueryLimits> = {}) =>
    lab.port.query(sql, parameters, { ...LIMITS, ...limits });

  beforeAll(async () => {
    const rows = Array.from({ length: ROWS }, (_, id) => ({ id: `${id}`, word: id === 0 ? null : `word ${id}` }));
    await lab.goLive('reader', 100, entry, rows);
  });

  describe('a query', () => {
    test('answers with names and values, in its own order', async () => {
      const answer = await ask('select id, word, id = 0 as "first" from reader.items where id < 2 order by id desc');
      expect(answer.columns.map(({ name }) => name)).toEqual(['id', 'word', 'first']);
      expect(answer.rows).toEqual([
        [1, 'word 1', false],
        [0, null, true],
      ]);
    });

    test('takes parameters of every kind JSON has for one value', async () => {
      const { rows } = await ask('select $1 as a, $2 as b from reader.items where id = $3', ['x', null, 7]);
      expect(rows).toEqual([['x', null]]);
    });

    test('hears what is wrong with it', async () => {
      const refused = async (sql: string, parameters: readonly QueryValue[] = []) =>
        await ask(sql, parameters).catch((failure: { code: string }) => failure.code);
      expect(await refused('selec 1')).toBe('QUERY_INVALID');
      expect(await refused('select nothing_like_it from reader.items')).toBe('QUERY_INVALID');
      expect(await refused('select 1; select 2')).toBe('QUERY_INVALID');
      expect(await refused('')).toBe('QUERY_INVALID');
      expect(await refused('select $1')).toBe('QUERY_INVALID');
      expect(await refused('select $1', [[1]])).toBe('QUERY_INVALID');
    });

    test.each([
      ['insert into reader.items (id) values (99)'],
      ['update reader.items set id = 99'],
      ['delete from reader.items'],
      ['create table reader.t (id int)'],
      ['drop table reader.items'],
      ['alter table reader.items add column x int'],
    ])('that is no read is refused, and nothing is changed: %s', async (sql) => {
      await expect(ask(sql)).rejects.toMatchObject({ code: 'QUERY_NOT_READ_ONLY' });
      expect((await ask('select count(*) from reader.items')).rows).toEqual([[ROWS]]);
    });

    test('sees what was merged before it, whole windows at a time', async () => {
      const before = lab.port.nextMerge;
      await lab.merge('reader', 110, {});
      await before;
      expect((await ask('select count(*) from reader.items')).rows).toEqual([[ROWS]]);
    });
  });

  describe('limits', () => {
    const runaway = `select sum(a.id + b.id + c.id + d.id + e.id + f.id)
      from ${['a', 'b', 'c', 'd', 'e', 'f'].map((alias) => `reader.items ${alias}`).join(', ')}`;

    test('a runaway query is interrupted and its place is free again', async () => {
      const failures = await Promise.allSettled([1, 2, 3].map(() => ask(runaway, [], { timeoutMs: 300 })));
      for (const failure of failures)
        expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'QUERY_TIMEOUT' } });
      expect((await ask('select 1')).rows).toEqual([[1]]);
    });

    test('a query nobody waits for is interrupted', async () => {
      const controller = new AbortController();
      const asked = ask(runaway, [], { signal: controller.signal });
      controller.abort();
      await expect(asked).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
    });

    test('an answer with too many rows or bytes is refused, never cut short', async () => {
      await expect(ask('select id from reader.items', [], { maxRows: ROWS - 1 })).rejects.toMatchObject({
        code: 'QUERY_TOO_LARGE',
      });
      await expect(ask('select word from reader.items', [], { maxBytes: 100 })).rejects.toMatchObject({
        code: 'QUERY_TOO_LARGE',
      });
      expect((await ask('select id from reader.items', [], { maxRows: ROWS })).rows).toHaveLength(ROWS);
    });
  });
}
