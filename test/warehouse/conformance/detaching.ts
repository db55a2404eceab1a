// Tables that are no longer captured: dropped, renamed, moved or left out. Their rows stay, marked, until someone drops them.

import { expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { INT, testEntry } from '../change-files.ts';
import { NOW, type WarehouseLab } from '../lab.ts';

export function detaching(lab: WarehouseLab): void {
  const entryOf = (table: string) => testEntry(table, { id: INT }, ['id']);
  const LATER = '2026-02-03T05:00:00.000Z';

  test('a table that is no longer captured keeps its rows, says since when, and how far they go', async () => {
    const entry = entryOf('gone.a');
    await lab.goLive('gone', 100, entry, [{ id: '1' }]);
    await lab.merge('gone', 110, { removes: ['gone.a'], nowIso: LATER });
    const mergedTo = { seq: 1, lsn: lsnToHex(100n) };
    const [known, ...others] = await lab.port.tables('gone');
    expect([known, others]).toMatchObject([{ table: 'gone.a', state: 'detached', reason: null, mergedTo }, []]);
    expect(Date.parse(known?.since ?? '')).toBe(Date.parse(LATER));
    expect(await lab.port.rowCounts('gone')).toEqual(new Map([['gone.a', 1]]));
    expect(await lab.contents(entry)).toHaveLength(1);
    await lab.merge('gone', 120, { removes: ['gone.a'], nowIso: NOW });
    expect(await lab.port.tables('gone'), 'since the first time').toEqual([known]);
  });

  test('a paused one stands where it was paused', async () => {
    await lab.goLive('stood', 100, entryOf('stood.a'), []);
    await lab.merge('stood', 110, { pauses: [{ table: 'stood.a', code: 'VALUE_NOT_EXACT', reason: 'not exact' }] });
    await lab.merge('stood', 120, { removes: ['stood.a'] });
    const mergedTo = { seq: 1, lsn: lsnToHex(100n) };
    expect(await lab.port.tables('stood')).toMatchObject([{ state: 'detached', reason: null, mergedTo }]);
  });

  test('one that never had rows is forgotten', async () => {
    const pause = { code: 'VALUE_TOO_LARGE', reason: 'too large', commitLsn: lsnToHex(90n) };
    const paused: CaptureEntry = { ...entryOf('empty.b'), paused: pause };
    await lab.merge('empty', 100, { begins: [placed(entryOf('empty.a')), placed(paused)] });
    await lab.merge('empty', 110, { removes: ['empty.a', 'empty.b'] });
    expect(await lab.port.tables('empty')).toEqual([]);
  });

  test('one that is captured again is no longer detached', async () => {
    const entry = entryOf('back.a');
    await lab.goLive('back', 100, entry, [{ id: '1' }]);
    await lab.merge('back', 110, { removes: ['back.a'] });
    await lab.goLive('back', 120, entry, [{ id: '2' }]);
    expect(await lab.port.tables('back')).toMatchObject([{ state: 'live', mergedTo: null }]);
    expect(await lab.port.dropDetached('back')).toEqual([]);
    expect(await lab.contents(entry)).toEqual([{ id: '2' }]);
  });

  test('another table may take its place, which ends its listing', async () => {
    const entry = entryOf('taken.a');
    await lab.goLive('taken-before', 100, entry, [{ id: '1' }]);
    await lab.merge('taken-before', 110, { removes: ['taken.a'] });
    const outcome = await lab.goLive('taken-after', 100, entry, [{ id: '2' }]);
    expect(outcome.paused).toEqual([]);
    expect(await lab.port.tables('taken-before')).toEqual([]);
    expect(await lab.port.dropDetached('taken-before')).toEqual([]);
    expect(await lab.contents(entry)).toEqual([{ id: '2' }]);
  });

  test('dropping removes the rows of detached tables, of all or of one, and of no others', async () => {
    const [first, second, kept] = [entryOf('dropped.a'), entryOf('dropped.b'), entryOf('dropped.c')];
    await lab.goLive('dropped', 110, first, [{ id: '1' }]);
    await lab.goLive('dropped', 120, second, [{ id: '1' }]);
    await lab.goLive('dropped', 130, kept, [{ id: '1' }]);
    await lab.merge('dropped', 200, { removes: ['dropped.a', 'dropped.b'] });
    expect(await lab.port.dropDetached('dropped', 'dropped.c')).toEqual([]);
    expect(await lab.port.dropDetached('dropped', 'dropped.a')).toEqual(['dropped.a']);
    expect(await lab.port.rowCounts('dropped')).toEqual(
      new Map([
        ['dropped.b', 1],
        ['dropped.c', 1],
      ]),
    );
    expect(await lab.port.dropDetached('dropped')).toEqual(['dropped.b']);
    expect(await lab.port.tables('dropped')).toMatchObject([{ table: 'dropped.c', state: 'live' }]);
    expect(await lab.contents(kept)).toEqual([{ id: '1' }]);
    for (const entry of [first, second]) expect(await lab.contents(entry).catch(() => 'no table')).toEqual('no table');
  });
}
