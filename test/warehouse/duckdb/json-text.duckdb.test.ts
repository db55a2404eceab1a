import { createHash, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ChangeFileEncoder } from '../../../activities/lake/change-file.ts';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import type { CaptureEntry, DataFile } from '../../../workflows/model/manifest.ts';
import { appendText } from '../../lake/text-row.ts';
import { INT, testEntry } from '../change-files.ts';
import { TestWarehouse } from './warehouse.ts';

// PostgreSQL's json keeps any escape as it is; DuckDB's JSON and Parquet's take no lone surrogates. Files by our own encoder.

const warehouse = TestWarehouse.forFile();

const JSON_OID = 114;
const LONE = '{"a": "\\ud800"}';
const PAIR = '{"a": "\\ud83d\\ude00"}';
const columns = { id: INT, doc: JSON_OID, note: JSON_OID };

/** One change a row, each in a transaction of its own. */
async function changeFile(entry: CaptureEntry, lsn: number, rows: readonly (readonly string[])[]): Promise<DataFile> {
  const encoder = new ChangeFileEncoder(entry);
  rows.forEach((row, i) => {
    encoder.beginTransaction(BigInt(lsn + i), 0, 1);
    appendText(encoder, 0, row);
  });
  const { bytes, sha256, minCommitLsn, maxCommitLsn } = await encoder.finish();
  const key = `${randomUUID()}.parquet`;
  writeFileSync(warehouse.writer.pathOf({ key }), bytes);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  const positions = { minCommitLsn: lsnToHex(minCommitLsn), maxCommitLsn: lsnToHex(maxCommitLsn) };
  const times = { minCommitTime: '', maxCommitTime: '' };
  const counts = { inserts: 0, updates: 0, deletes: 0, moved: 0, unchangedColumns: [] };
  return { key, rows: rows.length, bytes: bytes.length, sha256, ...positions, ...times, ...counts };
}

const load = (entry: CaptureEntry, chunks: readonly DataFile[], files: readonly DataFile[]) => ({
  begins: [placed(entry)],
  loads: [{ ...placed(entry), files, truncates: [], r0Lsn: entry.snapshot.r0Lsn, chunks }],
});

test('json with lone surrogates arrives as the text it is, by copy and by change, whichever file has it', async () => {
  const entry = testEntry('public.lone', columns, ['id']);
  const chunks = [
    await changeFile(entry, 1, [['1', PAIR, '1']]),
    await changeFile(entry, 1, [['2', LONE, '2']]),
    await changeFile(entry, 1, [['3', '3', LONE]]),
  ];
  const outcome = await warehouse.merge(
    'lone',
    100,
    load(entry, chunks, [await changeFile(entry, 50, [['4', LONE, LONE]])]),
  );
  expect(outcome.paused).toEqual([]);
  const changed = [
    await changeFile(entry, 101, [['1', PAIR, LONE]]),
    await changeFile(entry, 103, [
      ['1', '"back"', '0'],
      ['5', PAIR, PAIR],
    ]),
    await changeFile(entry, 105, [['5', LONE, '5']]),
  ];
  const merged = await warehouse.merge('lone', 200, { tables: [{ ...placed(entry), files: changed, truncates: [] }] });
  expect(merged.paused).toEqual([]);
  expect(await warehouse.rows('select id, doc, note, typeof(doc) as type from public.lone order by id')).toEqual([
    { id: 1, doc: '"back"', note: '0', type: 'VARCHAR' },
    { id: 2, doc: LONE, note: '2', type: 'VARCHAR' },
    { id: 3, doc: '3', note: LONE, type: 'VARCHAR' },
    { id: 4, doc: LONE, note: LONE, type: 'VARCHAR' },
    { id: 5, doc: LONE, note: '5', type: 'VARCHAR' },
  ]);
});

test('a table made with a JSON column before pauses at the first such value, and a resync takes it', async () => {
  const entry = testEntry('public.old', { id: INT, doc: JSON_OID }, ['id']);
  await warehouse.merge('old', 100, load(entry, [await changeFile(entry, 1, [['1', PAIR]])], []));
  await warehouse.owner.use((session) => session.run('alter table public.old alter doc type JSON'));
  const good = await changeFile(entry, 101, [['2', '2']]);
  expect(
    await warehouse.merge('old', 110, { tables: [{ ...placed(entry), files: [good], truncates: [] }] }),
  ).toMatchObject({
    paused: [],
  });
  const bad = await changeFile(entry, 111, [['3', LONE]]);
  expect(
    await warehouse.merge('old', 120, { tables: [{ ...placed(entry), files: [bad], truncates: [] }] }),
  ).toMatchObject({
    paused: [{ table: 'public.old', code: 'TABLE_UNMERGEABLE' }],
  });
  const again = { ...entry, snapshot: { ...entry.snapshot, id: 'copy-2' } };
  const rows = [
    ['1', PAIR],
    ['3', LONE],
  ];
  await warehouse.merge('old', 130, load(again, [await changeFile(entry, 1, rows)], []));
  expect(await warehouse.rows('select id, doc from public.old order by id')).toEqual([
    { id: 1, doc: PAIR },
    { id: 3, doc: LONE },
  ]);
});
