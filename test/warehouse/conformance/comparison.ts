// A table compared by value with what its source printed.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lsn } from '../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { change, INT, TEXT, testEntry } from '../change-files.ts';
import type { TextRow, WarehouseLab } from '../lab.ts';

/** What the source printed of a table, against the table. */
export async function compareWith(
  lab: WarehouseLab,
  entry: CaptureEntry,
  csv: string,
  before: Lsn | null = null,
  longRows: readonly (readonly (string | null)[])[] = [],
) {
  const csvPath = join(lab.spool, `${entry.table}.csv`);
  writeFileSync(csvPath, csv);
  return await lab.port.compare({ table: entry, place: entry, csvPath, longRows, before, limit: 20 });
}

export const equalIn = (rows: number) => ({
  ...{ tag: 'compared', rowsSource: rows, rowsWarehouse: rows, differing: [], differingCount: 0 },
});

export function comparison(lab: WarehouseLab): void {
  let pipelines = 0;

  /** A live table of its own with these rows, each written by commit 1. */
  async function given(columns: Parameters<typeof testEntry>[1], key: readonly string[], rows: readonly TextRow[]) {
    pipelines += 1;
    const entry = testEntry(`compared${pipelines}.items`, columns, key);
    await lab.goLive(`compared${pipelines}`, 100, entry, rows);
    return entry;
  }

  describe('a table with a key', () => {
    const columns = { id: INT, part: TEXT, name: TEXT, doc: TEXT };
    const items = (rows: readonly (readonly (string | null)[])[]) =>
      given(
        columns,
        ['part', 'id'],
        rows.map(([id = '', name = '', doc = '']) => ({ id, part: 'a', name, doc })),
      );

    test('is equal when every value is, NULL and empty text apart', async () => {
      const entry = await items([
        ['1', null, ''],
        ['2', 'q"q', 'l1\r\nl2,'],
      ]);
      expect(await compareWith(lab, entry, '1,a,,""\n2,a,"q""q","l1\r\nl2,"\n')).toEqual(equalIn(2));
      expect(await compareWith(lab, entry, '1,a,"",""\n2,a,"q""q","l1\r\nl2,"\n')).toMatchObject({
        differing: [{ key: ['a', '1'], kind: 'different', columns: ['name'] }],
      });
    });

    test('names every key that is missing, extra or different, by key, and counts what it does not name', async () => {
      const entry = await items([
        ['1', 'same', 'same'],
        ['2', 'x', 'y'],
        ['3', 'extra', ''],
      ]);
      const csv = '1,a,same,same\n2,a,other,\n5,a,missing,\n';
      expect(await compareWith(lab, entry, csv)).toEqual({
        ...{ tag: 'compared', rowsSource: 3, rowsWarehouse: 3, differingCount: 3 },
        differing: [
          { key: ['a', '2'], kind: 'different', columns: ['name', 'doc'] },
          { key: ['a', '3'], kind: 'extra', columns: [] },
          { key: ['a', '5'], kind: 'missing', columns: [] },
        ],
      });
      const csvPath = join(lab.spool, `${entry.table}.csv`);
      const order = { table: entry, place: entry, csvPath, longRows: [], before: null, limit: 1 };
      expect(await lab.port.compare(order)).toMatchObject({
        differing: [{ key: ['a', '2'] }],
        differingCount: 3,
      });
    });

    test('leaves out rows that are newer than what the source printed', async () => {
      const entry = await items([['1', 'old', '']]);
      const { schema } = entry;
      const newer = [
        change('u', 110, 0, { id: '1', part: 'a', name: 'newer', doc: '' }),
        change('i', 110, 1, { id: '2', part: 'a', name: 'newer', doc: '' }),
      ];
      await lab.merge(schema, 120, { tables: [await lab.changes(entry, newer)] });
      expect(await compareWith(lab, entry, '1,a,old,""\n', 110n)).toMatchObject({ differing: [] });
      expect(await compareWith(lab, entry, '1,a,old,""\n', 111n)).toMatchObject({ differingCount: 2 });
    });

    test('has rows too long for a line: their values lie in files of their own', async () => {
      const long = 'x'.repeat(100_000);
      const entry = await items([
        ['1', long, null],
        ['2', 'short', ''],
        ['3', long, ''],
      ]);
      const inFiles = (id: number, name: string, doc: string | null) =>
        [`${id}`, 'a', name, doc].map((value, i) => {
          if (value === null) return null;
          const path = join(lab.spool, `${entry.schema}-${id}-${i}.txt`);
          writeFileSync(path, value);
          return path;
        });
      const given = [inFiles(1, long, null), inFiles(3, long, '')];
      expect(await compareWith(lab, entry, '2,a,short,""\n', null, given)).toEqual(equalIn(3));
      const other = [inFiles(1, `${long}.`, null), inFiles(3, long, null)];
      expect(await compareWith(lab, entry, '2,a,short,""\n', null, other)).toMatchObject({
        differing: [
          { key: ['a', '1'], columns: ['name'] },
          { key: ['a', '3'], columns: ['doc'] },
        ],
      });
    });

    test('is equal when both sides are empty', async () => {
      expect(await compareWith(lab, await items([]), '')).toEqual(equalIn(0));
    });
  });

  describe('a table without a key', () => {
    test('is compared as a bag of rows', async () => {
      const texts = ['a', 'a', null, '', '\\.'];
      const entry = await given(
        { text: TEXT },
        [],
        texts.map((text) => ({ text })),
      );
      expect(await compareWith(lab, entry, 'a\na\n\n""\n"\\."\n')).toEqual(equalIn(5));
      expect(await compareWith(lab, entry, 'a\n\n\n""\n"\\."\n')).toMatchObject({
        differing: [{ kind: 'missing' }, { kind: 'extra' }],
        differingCount: 2,
      });
    });
  });
}
