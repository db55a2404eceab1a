// Merging changes into a table that stands at the watermark.

import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { change, INT, kept, moved, TEXT, testEntry } from '../change-files.ts';
import type { WarehouseLab } from '../lab.ts';

export function liveTable(lab: WarehouseLab): void {
  /** A table with rows 1 (doc one) and 2 (doc two), live. */
  async function liveDocs(schema: string): Promise<CaptureEntry> {
    const entry = testEntry(`${schema}.docs`, { id: INT, note: TEXT, doc: TEXT }, ['id']);
    const rows = [
      { id: '1', note: 'old', doc: 'one' },
      { id: '2', note: 'old', doc: 'two' },
    ];
    await lab.goLive(schema, 100, entry, rows);
    return entry;
  }

  describe('a live table', () => {
    test('takes the last of several changes of a key that carry every column', async () => {
      const entry = await liveDocs('several');
      const first = await lab.changes(entry, [
        change('i', 110, 0, { id: '3', note: 'a', doc: 'three' }),
        change('d', 110, 1, { id: '1' }),
        change('i', 110, 2, { id: '1', note: 'b', doc: 'again' }),
        change('u', 111, 0, { id: '2', note: 'c', doc: 'gone' }),
      ]);
      const second = await lab.changes(entry, [
        change('u', 115, 0, { id: '3', note: 'd', doc: 'three' }),
        change('d', 116, 0, { id: '2' }),
      ]);
      const outcome = await lab.merge('several', 120, {
        tables: [{ ...first, files: [...first.files, ...second.files] }],
      });
      expect(await lab.contents(entry)).toEqual([
        { id: '1', note: 'b', doc: 'again' },
        { id: '3', note: 'd', doc: 'three' },
      ]);
      expect(outcome.rows).toEqual({ 'several.docs': { inserts: 2, updates: 2, deletes: 2, loaded: 0 } });
    });

    test('folds by position, in whatever order files and rows come', async () => {
      const entry = await liveDocs('order');
      const late = await lab.changes(entry, [
        change('u', 115, 0, { id: '1', note: 'last', doc: 'x' }),
        change('d', 112, 1, { id: '2' }),
      ]);
      const early = await lab.changes(entry, [
        change('u', 112, 0, { id: '2', note: 'first', doc: 'y' }),
        change('u', 111, 0, { id: '1', note: 'first', doc: 'y' }),
      ]);
      await lab.merge('order', 120, { tables: [{ ...late, files: [...late.files, ...early.files] }] });
      expect(await lab.contents(entry)).toEqual([{ id: '1', note: 'last', doc: 'x' }]);
    });

    test('says of each row which commit wrote it, and when', async () => {
      const entry = await liveDocs('written');
      await lab.merge('written', 120, { tables: [await lab.changes(entry, [kept(110, 0, { id: '1', note: 'a' })])] });
      const rows = (await lab.rowsOf(entry)).map((row) => [row['id'], row['_walflow_commit_lsn']]);
      expect(rows.sort()).toEqual([
        ['1', '110'],
        ['2', '1'],
      ]);
      const [row] = (await lab.rowsOf(entry)).filter(({ id }) => id === '1');
      expect(row?.['_walflow_commit_time']).toContain('2026-01-01 00:01:50');
    });

    test('keeps unchanged values through a chain of key moves in one transaction', async () => {
      const entry = await liveDocs('chain');
      const chain = [
        change('d', 110, 0, { id: '1' }),
        moved(110, 1, { id: '7', note: 'a' }),
        change('d', 110, 2, { id: '7' }),
        moved(110, 3, { id: '8', note: 'b' }),
      ];
      await lab.merge('chain', 120, { tables: [await lab.changes(entry, chain)] });
      expect(await lab.contents(entry)).toEqual([
        { id: '2', note: 'old', doc: 'two' },
        { id: '8', note: 'b', doc: 'one' },
      ]);
    });

    test('keeps unchanged values when two rows swap their keys by way of a third', async () => {
      const entry = await liveDocs('swap');
      const swap = [
        change('d', 110, 0, { id: '1' }),
        moved(110, 1, { id: '-1', note: 'a' }),
        change('d', 110, 2, { id: '2' }),
        moved(110, 3, { id: '1', note: 'b' }),
        change('d', 110, 4, { id: '-1' }),
        moved(110, 5, { id: '2', note: 'c' }),
      ];
      await lab.merge('swap', 120, { tables: [await lab.changes(entry, swap)] });
      expect(await lab.contents(entry)).toEqual([
        { id: '1', note: 'b', doc: 'two' },
        { id: '2', note: 'c', doc: 'one' },
      ]);
    });

    test('takes a carried NULL for a value, not for an unchanged column', async () => {
      const entry = await liveDocs('nulls');
      const list = [
        change('u', 110, 0, { id: '1', note: 'a', doc: 'newer' }),
        change('u', 111, 0, { id: '1', note: 'a', doc: null }),
        kept(112, 0, { id: '1', note: 'b' }),
        change('u', 113, 0, { id: '2', note: 'a', doc: 'newer' }),
        change('u', 113, 1, { id: '2', note: 'a', doc: null }),
      ];
      const away = [change('d', 130, 0, { id: '2' }), moved(130, 1, { id: '3', note: 'b' })];
      await lab.merge('nulls', 120, { tables: [await lab.changes(entry, list)] });
      expect((await lab.contents(entry))[0]).toEqual({ id: '1', note: 'b', doc: null });
      const together = [...list.map((one) => ({ ...one, lsn: one.lsn + 15 })), ...away];
      await lab.merge('nulls', 140, { tables: [await lab.changes(entry, together)] });
      expect((await lab.contents(entry))[1]).toEqual({ id: '3', note: 'b', doc: null });
    });

    test('is paused, alone, when an unchanged value is found nowhere', async () => {
      const entry = await liveDocs('lost');
      const other = testEntry('lost.other', { id: INT }, ['id']);
      await lab.goLive('lost', 101, other, []);
      const outcome = await lab.merge('lost', 120, {
        tables: [
          await lab.changes(entry, [kept(110, 0, { id: '55', note: 'x' })]),
          await lab.changes(other, [change('i', 110, 1, { id: '1' })]),
        ],
      });
      expect(outcome.paused).toMatchObject([{ table: 'lost.docs', code: 'UNCHANGED_UNRESOLVED' }]);
      expect(await lab.contents(entry)).toHaveLength(2);
      expect(await lab.contents(other)).toEqual([{ id: '1' }]);
      expect(await lab.port.tables('lost')).toMatchObject([
        { table: 'lost.docs', state: 'paused', mergedTo: { seq: 2, lsn: lsnToHex(101n) } },
        { table: 'lost.other', state: 'live', mergedTo: null },
      ]);
    });

    test.each([
      ['is no Parquet', 'TABLE_UNMERGEABLE'],
      ['does not come', 'DATA_FILE_DAMAGED'],
    ])('whose file %s is paused, and all others are merged in the same call', async (what, code) => {
      const schema = `broken_${code.toLowerCase()}`;
      const entry = await liveDocs(schema);
      const other = testEntry(`${schema}.other`, { id: INT }, ['id']);
      await lab.goLive(schema, 101, other, [{ id: '1' }]);
      const bad = await lab.changes(entry, [change('d', 110, 0, { id: '1' })]);
      for (const file of bad.files) {
        if (what === 'does not come') lab.writer.damaged.add(file.key);
        else writeFileSync(lab.writer.pathOf(file), 'no Parquet at all');
      }
      const good = await lab.changes(other, [change('i', 110, 1, { id: '2' })]);
      const outcome = await lab.merge(schema, 120, { tables: [bad, good] });
      expect(outcome.paused).toMatchObject([{ table: entry.table, code }]);
      expect(await lab.contents(entry)).toHaveLength(2);
      expect(await lab.contents(other)).toEqual([{ id: '1' }, { id: '2' }]);
    });

    test('without a key only grows, and a truncate empties it', async () => {
      const entry = testEntry('grow.lines', { text: TEXT }, []);
      await lab.goLive('grow', 100, entry, [{ text: 'a' }]);
      expect(await lab.port.tables('grow')).toMatchObject([{ state: 'append-only' }]);
      const twice = await lab.changes(entry, [change('i', 110, 0, { text: 'b' }), change('i', 110, 1, { text: 'b' })]);
      await lab.merge('grow', 120, { tables: [twice] });
      expect(await lab.contents(entry)).toEqual([{ text: 'a' }, { text: 'b' }, { text: 'b' }]);
      const after = await lab.changes(entry, [change('i', 130, 0, { text: 'x' }), change('i', 130, 2, { text: 'y' })]);
      await lab.merge('grow', 140, { tables: [{ ...after, truncates: [{ commitLsn: lsnToHex(130n), ordinal: 1 }] }] });
      expect(await lab.contents(entry)).toEqual([{ text: 'y' }]);
    });

    test('loses to a truncate what came before it, and keeps what came behind', async () => {
      const entry = await liveDocs('cut');
      const list = [
        change('i', 110, 0, { id: '3', note: 'before', doc: 'x' }),
        change('i', 110, 2, { id: '4', note: 'behind', doc: 'x' }),
      ];
      const truncates = [
        { commitLsn: lsnToHex(110n), ordinal: 1 },
        { commitLsn: lsnToHex(105n), ordinal: 9 },
      ];
      await lab.merge('cut', 120, { tables: [{ ...(await lab.changes(entry, list)), truncates }] });
      expect(await lab.contents(entry)).toEqual([{ id: '4', note: 'behind', doc: 'x' }]);
    });

    test('may have any column name, those of change files among them', async () => {
      const names = ['_op', '_Commit_LSN', 'c0', 'op', 'position', 'a "b"', 'select', 'rowid', '_walflow_x'];
      const entry = testEntry('Od d.ta"ble', Object.fromEntries(names.map((name) => [name, TEXT])), ['_op', 'a "b"']);
      const row = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
      const inserted = await lab.load(entry, [], [change('i', 100, 0, row)]);
      await lab.merge('odd', 100, { begins: [placed(entry)], loads: [inserted] });
      const { position: _, ...carried } = row;
      const update = { ...change('u', 110, 0, carried), unchanged: ['position'] };
      await lab.merge('odd', 120, { tables: [await lab.changes(entry, [update])] });
      expect(await lab.contents(entry)).toEqual([row]);
    });

    test('is merged into the table the plan names, whatever its own name', async () => {
      const entry = testEntry('named.orders', { id: INT, note: TEXT }, ['id']);
      const target = { schema: 'elsewhere', name: 'renamed', mode: 'mirror' } as const;
      const load = await lab.load(entry, [change('r', 1, 0, { id: '1', note: 'old' })], []);
      await lab.merge('named', 100, { begins: [{ entry, target }], loads: [{ ...load, target }] });
      const list = [change('u', 110, 0, { id: '1', note: 'new' }), change('i', 110, 1, { id: '2', note: null })];
      await lab.merge('named', 120, { tables: [{ ...(await lab.changes(entry, list)), target }] });
      expect((await lab.rowsOf(target)).map(({ id, note }) => [id, note]).sort()).toEqual([
        ['1', 'new'],
        ['2', null],
      ]);
      expect(await lab.port.tables('named')).toMatchObject([{ place: { schema: 'elsewhere', name: 'renamed' } }]);
      expect(await lab.port.rowCounts('named')).toEqual(new Map([['named.orders', 2]]));
    });
  });
}
