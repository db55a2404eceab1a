// What a warehouse says of itself: its tables and their states, how many rows they have, what was merged by whom.

import { describe, expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { change, INT, testEntry } from '../change-files.ts';
import { NOW, type WarehouseLab } from '../lab.ts';

const PAUSE = { code: 'VALUE_NOT_EXACT', reason: 'a value of b.n is not exact' };

export function standing(lab: WarehouseLab): void {
  const entryOf = (table: string) => testEntry(table, { id: INT }, ['id']);

  test('a pipeline nobody has merged has no tables, no rows and no ledger', async () => {
    expect(await lab.port.tables('nobody')).toEqual([]);
    expect(await lab.port.rowCounts('nobody')).toEqual(new Map());
    expect(await lab.port.ledger('nobody', 5)).toEqual([]);
  });

  describe('the tables of a pipeline', () => {
    test('come by name, with the capture they were begun with, and one of them on demand', async () => {
      const [first, second] = [entryOf('listed.a'), entryOf('listed.b')];
      await lab.merge('listed', 100, { begins: [placed(second), placed(first)] });
      const tables = await lab.port.tables('listed');
      expect(tables).toEqual(
        [first, second].map((entry) => ({
          ...{ table: entry.table, entry, state: 'loading', since: expect.any(String), reason: null, mergedTo: null },
          place: { schema: entry.schema, name: entry.name },
        })),
      );
      expect(await lab.port.tables('listed', 'listed.b')).toEqual([tables[1]]);
      expect(await lab.port.tables('listed', 'listed.c')).toEqual([]);
    });

    test('keep the position they were paused at, and the reason, whatever is merged later', async () => {
      const [entry, other] = [entryOf('held.a'), entryOf('held.b')];
      await lab.goLive('held', 100, entry, [{ id: '1' }]);
      await lab.goLive('held', 110, other, []);
      await lab.merge('held', 120, { pauses: [{ table: 'held.a', ...PAUSE }] });
      await lab.merge('held', 130, { tables: [await lab.changes(other, [change('i', 125, 0, { id: '1' })])] });
      const at = { seq: 2, lsn: lsnToHex(110n) };
      const reason = { code: PAUSE.code, text: PAUSE.reason };
      expect(await lab.port.tables('held', 'held.a')).toMatchObject([{ state: 'paused', reason, mergedTo: at }]);
      await lab.merge('held', 140, { pauses: [{ table: 'held.a', ...PAUSE, code: 'OTHER' }] });
      expect(await lab.port.tables('held', 'held.a')).toMatchObject([{ reason: { code: 'OTHER' }, mergedTo: at }]);
    });

    test('begin paused where the log says so', async () => {
      const paused: CaptureEntry = { ...entryOf('born.a'), paused: { ...PAUSE, commitLsn: lsnToHex(90n) } };
      const outcome = await lab.merge('born', 100, { begins: [placed(paused)] });
      expect(outcome.paused).toEqual([]);
      expect(await lab.port.tables('born')).toMatchObject([
        { state: 'paused', reason: { code: PAUSE.code, text: PAUSE.reason }, mergedTo: null },
      ]);
    });

    test('are counted, those that have been loaded once', async () => {
      const [entry, loading] = [entryOf('counted.a'), entryOf('counted.b')];
      await lab.goLive('counted', 100, entry, [{ id: '1' }, { id: '2' }]);
      await lab.merge('counted', 110, { begins: [placed(loading)] });
      expect(await lab.port.rowCounts('counted')).toEqual(new Map([['counted.a', 2]]));
    });
  });

  test('the ledger tells the last windows that changed rows, newest first, and which run merged them', async () => {
    const entry = entryOf('told.a');
    await lab.goLive('told', 100, entry, [{ id: '1' }]);
    await lab.merge('told', 110, {});
    const run = { workflowId: 'merge/told', runId: 'run-2', attempt: 3 };
    await lab.merge('told', 120, { tables: [await lab.changes(entry, [change('d', 115, 0, { id: '1' })])], run });
    const [newest, oldest, ...others] = await lab.port.ledger('told', 10);
    expect(others).toEqual([]);
    expect(newest).toEqual({
      ...{ ...run, seqFrom: 3, seqTo: 3, lsnFrom: lsnToHex(110n), lsnTo: lsnToHex(120n) },
      rows: { 'told.a': { inserts: 0, updates: 0, deletes: 1, loaded: 0 } },
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      mergedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    expect(Date.parse(newest?.mergedAt ?? '')).toBe(Date.parse(NOW));
    expect(oldest).toMatchObject({ seqTo: 1, rows: { 'told.a': { loaded: 1 } } });
    expect(await lab.port.ledger('told', 1)).toEqual([newest]);
  });
}
