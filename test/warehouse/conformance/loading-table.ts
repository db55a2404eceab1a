// A table goes live: copied rows, each as of some moment, and every change since R0.

import { describe, expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import { change, INT, kept, moved, TEXT, type TestChange, testEntry } from '../change-files.ts';
import type { WarehouseLab } from '../lab.ts';

const docs = (schema: string, id?: string) =>
  testEntry(`${schema}.docs`, { id: INT, note: TEXT, doc: TEXT }, ['id'], id);

export function loadingTable(lab: WarehouseLab): void {
  /** Loads a new table from copied rows and changes. */
  async function loaded(schema: string, copied: readonly TestChange[], list: readonly TestChange[]) {
    const entry = docs(schema);
    const loads = [await lab.load(entry, copied, list)];
    return { entry, outcome: await lab.merge(schema, 120, { begins: [placed(entry)], loads }) };
  }

  describe('a loading table', () => {
    test('folds changes at and after R0 over its copied rows and ignores earlier ones', async () => {
      const copied = [1, 2, 3].map((id) => change('r', 100, id, { id: `${id}`, note: 'copied', doc: `${id}` }));
      const { entry, outcome } = await loaded('fresh', copied, [
        change('d', 99, 0, { id: '3' }),
        kept(100, 0, { id: '1', note: 'new' }),
        change('d', 105, 0, { id: '2' }),
        change('i', 106, 0, { id: '4', note: 'new', doc: '4' }),
      ]);
      expect(outcome.rows).toEqual({ 'fresh.docs': { inserts: 1, updates: 1, deletes: 2, loaded: 1 } });
      expect(await lab.contents(entry)).toEqual([
        { id: '1', note: 'new', doc: '1' },
        { id: '3', note: 'copied', doc: '3' },
        { id: '4', note: 'new', doc: '4' },
      ]);
    });

    test('holds nothing of what was copied before a truncate', async () => {
      const entry = docs('emptied');
      const load = await lab.load(
        entry,
        [change('r', 100, 0, { id: '1', note: 'copied', doc: '1' })],
        [change('i', 106, 0, { id: '2', note: 'new', doc: '2' })],
      );
      const truncates = [{ commitLsn: lsnToHex(105n), ordinal: 0 }];
      const outcome = await lab.merge('emptied', 120, { begins: [placed(entry)], loads: [{ ...load, truncates }] });
      expect(outcome.rows['emptied.docs']).toMatchObject({ loaded: 0 });
      expect(await lab.contents(entry)).toEqual([{ id: '2', note: 'new', doc: '2' }]);
    });

    test('is not emptied by a truncate its copied rows have seen', async () => {
      const entry = docs('seen');
      const load = await lab.load(entry, [change('r', 100, 0, { id: '1', note: 'copied', doc: '1' })], []);
      const truncates = [{ commitLsn: lsnToHex(99n), ordinal: 0 }];
      await lab.merge('seen', 120, { begins: [placed(entry)], loads: [{ ...load, truncates }] });
      expect(await lab.contents(entry)).toHaveLength(1);
    });

    test('asks for a new snapshot, and stays loading, when a row moved between chunks', async () => {
      const { outcome } = await loaded(
        'between',
        [],
        [change('d', 105, 0, { id: '1' }), moved(105, 1, { id: '9', note: 'x' })],
      );
      expect(outcome.unresolved).toEqual(['between.docs']);
      expect(await lab.port.tables('between')).toMatchObject([{ state: 'loading' }]);
    });

    test('does not take the value of a later row that was inserted at the key a row moved away from', async () => {
      const copied = [change('r', 100, 0, { id: '1', note: 'later', doc: 'of the later row' })];
      const { outcome } = await loaded('reused', copied, [
        change('d', 105, 0, { id: '1' }),
        moved(105, 1, { id: '9', note: 'x' }),
        change('i', 106, 0, { id: '1', note: 'later', doc: 'of the later row' }),
      ]);
      expect(outcome.unresolved).toEqual(['reused.docs']);
    });

    test('takes the value from the row at the new key when the snapshot saw it there', async () => {
      const copied = [change('r', 100, 0, { id: '9', note: 'x', doc: 'carried along' })];
      const { entry } = await loaded('arrived', copied, [
        change('d', 105, 0, { id: '1' }),
        moved(105, 1, { id: '9', note: 'x' }),
      ]);
      expect(await lab.contents(entry)).toEqual([{ id: '9', note: 'x', doc: 'carried along' }]);
    });

    test('takes the value from the row at the old key when the snapshot saw it there', async () => {
      const copied = [change('r', 100, 0, { id: '1', note: 'old', doc: 'carried along' })];
      const { entry } = await loaded('departed', copied, [
        change('d', 105, 0, { id: '1' }),
        moved(105, 1, { id: '9', note: 'x' }),
      ]);
      expect(await lab.contents(entry)).toEqual([{ id: '9', note: 'x', doc: 'carried along' }]);
    });

    test('keeps its old rows readable and its old position until the new snapshot is loaded', async () => {
      const old = docs('again');
      await lab.goLive(
        'again',
        100,
        old,
        [1, 2].map((id) => ({ id: `${id}`, note: 'old', doc: null })),
      );
      const again = docs('again', 'snapshot-2');
      await lab.merge('again', 120, { begins: [placed(again)] });
      expect(await lab.contents(old)).toHaveLength(2);
      const stood = { seq: 1, lsn: lsnToHex(100n) };
      expect(await lab.port.tables('again')).toMatchObject([{ state: 'loading', mergedTo: stood }]);
      await lab.merge('again', 130, { loads: [await lab.load(old, [], [])] });
      expect(await lab.port.tables('again')).toMatchObject([{ state: 'loading', mergedTo: stood }]);
      const copied = change('r', 1, 0, { id: '5', note: null, doc: null });
      await lab.merge('again', 140, { loads: [await lab.load(again, [copied], [])] });
      expect(await lab.contents(again)).toEqual([{ id: '5', note: null, doc: null }]);
      expect(await lab.port.tables('again')).toMatchObject([{ state: 'live', mergedTo: null }]);
    });

    test('of which a chunk does not come is paused, and the others go live', async () => {
      const [entry, other] = [docs('chunk'), testEntry('chunk.other', { id: INT }, ['id'])];
      const bad = await lab.load(entry, [change('r', 100, 0, { id: '1', note: null, doc: null })], []);
      for (const chunk of bad.chunks) lab.writer.damaged.add(chunk.key);
      const outcome = await lab.merge('chunk', 120, {
        begins: [placed(entry), placed(other)],
        loads: [bad, await lab.load(other, [], [])],
      });
      expect(outcome.paused).toMatchObject([{ table: 'chunk.docs', code: 'DATA_FILE_DAMAGED' }]);
      expect(await lab.port.tables('chunk')).toMatchObject([
        { table: 'chunk.docs', state: 'paused', reason: { code: 'DATA_FILE_DAMAGED' } },
        { table: 'chunk.other', state: 'live' },
      ]);
    });

    test('is paused, naming both, when another table has its place already', async () => {
      await lab.goLive('first', 100, testEntry('shared.docs', { id: INT }, ['id']), [{ id: '1' }]);
      const twin = testEntry('shared.docs', { id: INT, note: TEXT }, ['id']);
      const outcome = await lab.merge('second', 120, { begins: [placed(twin)], loads: [await lab.load(twin, [], [])] });
      expect(outcome.paused).toMatchObject([{ table: 'shared.docs', code: 'NAME_COLLISION' }]);
      expect(outcome.paused[0]?.reason).toContain('shared.docs of first');
      expect(await lab.rowsOf(twin)).toHaveLength(1);
      expect(await lab.port.rowCounts('second')).toEqual(new Map());
    });

    test('is paused when another table of the same window has its place; one that moves leaves its own', async () => {
      const at = (table: string, name: string) => ({
        ...testEntry(table, { id: INT }, ['id']),
        schema: 'window',
        name,
      });
      await lab.merge('window', 100, { begins: [placed(at('a', 'one')), placed(at('b', 'two'))] });
      const outcome = await lab.merge('window', 110, {
        begins: [placed(at('a', 'three')), placed(at('c', 'one')), placed(at('d', 'two')), placed(at('e', 'one'))],
      });
      expect(outcome.paused.map(({ table, code }) => [table, code])).toEqual([
        ['d', 'NAME_COLLISION'],
        ['e', 'NAME_COLLISION'],
      ]);
      expect(outcome.paused.map(({ reason }) => reason)).toEqual(
        ['b of window', 'c of window'].map((taken) => expect.stringContaining(taken)),
      );
      expect((await lab.port.tables('window')).map(({ table, state }) => [table, state])).toEqual([
        ['a', 'loading'],
        ['b', 'loading'],
        ['c', 'loading'],
        ['d', 'paused'],
        ['e', 'paused'],
      ]);
    });
  });
}
