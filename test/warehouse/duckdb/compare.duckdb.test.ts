import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareTable } from '../../../activities/warehouse/duckdb/compare.ts';
import { createTableSql } from '../../../activities/warehouse/duckdb/merge/schema-sql.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { INT, TEXT, testEntry } from './change-files.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();

async function given(entry: CaptureEntry, values: string): Promise<void> {
  await warehouse.owner.use(async (session) => {
    await session.run(`create schema if not exists ${entry.schema}`);
    await session.run(createTableSql(entry, entry));
    if (values !== '')
      await session.run(`insert into ${entry.schema}.${entry.name} select *, 1, now() from (values ${values})`);
  });
}

async function compare(entry: CaptureEntry, csv: string, limit = 20) {
  const csvPath = join(warehouse.spool, `${entry.name}.csv`);
  writeFileSync(csvPath, csv);
  return await compareTable(warehouse.owner, { table: entry, place: entry, csvPath, before: null, limit });
}

const equal = (rows: number) => ({
  tag: 'compared',
  rowsSource: rows,
  rowsWarehouse: rows,
  differing: [],
  differingCount: 0,
});

describe('a table with a key', () => {
  const entry = testEntry('public.items', { id: INT, part: TEXT, name: TEXT, doc: TEXT }, ['part', 'id']);

  test('is equal when every value is, NULL and empty text apart', async () => {
    await given(entry, `(1, 'a', NULL, ''), (2, 'a', 'q"q', E'l1\\r\\nl2,')`);
    expect(await compare(entry, '1,a,,""\n2,a,"q""q","l1\r\nl2,"\n')).toEqual(equal(2));
    expect(await compare(entry, '1,a,"",""\n2,a,"q""q","l1\r\nl2,"\n')).toMatchObject({
      differing: [{ key: ['a', '1'], kind: 'different', columns: ['name'] }],
    });
  });

  test('names every key that is missing, extra, different or there twice', async () => {
    await given(
      entry,
      `(1, 'a', 'same', 'same'), (2, 'a', 'x', 'y'), (3, 'a', 'extra', ''), (4, 'b', 'twice', ''), (4, 'b', 'twice', '')`,
    );
    const csv = '1,a,same,same\n2,a,other,\n4,b,twice,""\n5,b,missing,\n';
    expect(await compare(entry, csv)).toEqual({
      tag: 'compared',
      rowsSource: 4,
      rowsWarehouse: 5,
      differing: [
        { key: ['a', '2'], kind: 'different', columns: ['name', 'doc'] },
        { key: ['a', '3'], kind: 'extra', columns: [] },
        { key: ['b', '4'], kind: 'extra', columns: [] },
        { key: ['b', '5'], kind: 'missing', columns: [] },
      ],
      differingCount: 4,
    });
    expect(await compare(entry, csv, 1)).toMatchObject({ differing: [{ key: ['a', '2'] }], differingCount: 4 });
  });

  test('is equal when both sides are empty', async () => {
    await given(entry, '');
    expect(await compare(entry, '')).toEqual(equal(0));
  });
});

describe('a table without a key', () => {
  const entry = testEntry('public.lines', { text: TEXT }, []);

  test('is compared as a bag of rows', async () => {
    await given(entry, `('a'), ('a'), (NULL), (''), ('\\.')`);
    expect(await compare(entry, 'a\na\n\n""\n"\\."\n')).toEqual(equal(5));
    expect(await compare(entry, 'a\n\n\n""\n"\\."\n')).toMatchObject({
      differing: [{ kind: 'missing' }, { kind: 'extra' }],
      differingCount: 2,
    });
  });
});

describe('values', () => {
  const numeric = (precision: number, scale: number) => ({
    name: 'v',
    typeOid: 1700,
    typeModifier: ((precision << 16) | scale) + 4,
  });
  const cases: readonly (readonly [string, number | ReturnType<typeof numeric>, string, string])[] = [
    ['boolean', 16, 't', 'true'],
    ['bytea', 17, '\\xdeadbeef00', `'\\xDE\\xAD\\xBE\\xEF\\x00'::BLOB`],
    ['empty bytea', 17, '\\x', `''::BLOB`],
    ['bigint', 20, '9223372036854775807', '9223372036854775807'],
    ['real NaN', 700, 'NaN', `'nan'`],
    ['double', 701, '1e-320', '1e-320'],
    ['double infinity', 701, '-Infinity', `'-inf'`],
    ['numeric', numeric(20, 5), '-0.10000', '-0.1'],
    ['wide numeric', { name: 'v', typeOid: 1700, typeModifier: -1 }, '1.000', `'1.000'`],
    ['json', 114, '"{ ""a"": 1e400 }"', `'{ "a": 1e400 }'`],
    ['date BC', 1082, '0044-03-15 BC', `'0044-03-15 (BC)'`],
    ['date infinity', 1082, 'infinity', `'infinity'`],
    ['time', 1083, '24:00:00', `'24:00:00'`],
    ['timestamp BC', 1114, '0044-03-15 10:00:00.5 BC', `'0044-03-15 (BC) 10:00:00.5'`],
    ['timestamptz', 1184, '12026-01-01 00:00:00+00', `'12026-01-01 00:00:00+00'`],
    ['timestamptz infinity', 1184, '-infinity', `'-infinity'`],
    ['uuid', 2950, '00000000-0000-0000-0000-000000000001', `'00000000-0000-0000-0000-000000000001'`],
  ];
  test.each(cases)('%s is equal to itself and to nothing else', async (_, type, printed, stored) => {
    const entry = testEntry('public.cells', { id: INT, v: type }, ['id']);
    await given(entry, `(1, ${stored})`);
    expect(await compare(entry, `1,${printed}\n`)).toEqual(equal(1));
    expect(await compare(entry, '1,\n')).toMatchObject({ differingCount: 1 });
  });

  test('that cannot be cast make the table not comparable, never equal', async () => {
    const entry = testEntry('public.cells', { id: INT, v: numeric(5, 2), w: 17 }, ['id']);
    await given(entry, '(1, NULL, NULL)');
    const comparison = await compare(entry, '1,NaN,\n');
    expect(comparison).toMatchObject({ tag: 'not-comparable', reason: expect.stringContaining('1 values of v') });
    expect(await compare(entry, '1,,nothex\n')).toMatchObject({ tag: 'not-comparable' });
    expect(await compare(entry, '1,,\\xzz\n')).toMatchObject({ tag: 'not-comparable' });
    expect(await compare(entry, '1,2\n')).toMatchObject({ tag: 'not-comparable' });
  });

  test('of thirty megabytes are compared', async () => {
    const entry = testEntry('public.large', { id: INT, v: TEXT }, ['id']);
    await given(entry, `(1, repeat('x', 30000000))`);
    expect(await compare(entry, `1,${'x'.repeat(30_000_000)}\n`)).toEqual(equal(1));
  });
});
