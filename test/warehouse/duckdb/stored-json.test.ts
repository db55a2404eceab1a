import { expect, test } from 'vitest';
import { parseCapture, parseInputs, parseRowCounts } from '../../../activities/warehouse/duckdb/stored-json.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import type { TableLayout } from '../../../workflows/model/relation.ts';
import { INT, testEntry } from '../change-files.ts';

/** Every field, so that the compiler asks for one that is new, and the test whether it is kept. */
const everyField: Required<CaptureEntry> & { readonly layout: Required<TableLayout> } = {
  ...testEntry('public.orders', { id: INT }, ['id']),
  layout: { columnNumbers: [1], attributes: 'a', storage: 's', leaves: ['l'], dependencies: ['d'] },
  provisional: true,
  paused: { code: 'TABLE_UNMERGEABLE', reason: 'why', commitLsn: '0'.repeat(16) },
};
const entry = testEntry('public.orders', { id: INT }, ['id']);

test('what was stored is read back', () => {
  expect(parseCapture(JSON.stringify(entry))).toEqual(entry);
  expect(parseCapture(JSON.stringify(everyField))).toEqual(everyField);
  const counts = { 'public.orders': { inserts: 1, updates: 2, deletes: 3, loaded: 0 } };
  expect(parseRowCounts(JSON.stringify(counts))).toEqual(counts);
  expect(parseInputs('[]')).toEqual([]);
});

test.each([
  ['{', '_walflow.tables.capture: the value: '],
  ['null', '_walflow.tables.capture: the value: '],
  [JSON.stringify({ ...entry, keyColumns: 'id' }), '_walflow.tables.capture: keyColumns: '],
  [JSON.stringify({ ...entry, snapshot: { ...entry.snapshot, r0Lsn: '0/16B' } }), 'snapshot.r0Lsn: not 16 lower-case'],
])('a value of another shape is named, with its column: %s', (json, message) => {
  expect(() => parseCapture(json)).toThrowError(
    expect.objectContaining({ code: 'WAREHOUSE_UNREADABLE', message: expect.stringContaining(message) }),
  );
});

test('neither counts nor inputs of another shape are taken', () => {
  expect(() => parseRowCounts('{"public.orders": {"inserts": "1"}}')).toThrow(
    '_walflow.ledger.rows: public.orders.inserts',
  );
  expect(() => parseInputs('[{"asset": "a"}]')).toThrow('_walflow.materializations.inputs: 0.');
});
