import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { INT, TEXT, testEntry } from '../change-files.ts';
import { TestWarehouse } from './warehouse.ts';

// A spool whose path says everything that DuckDB would read out of one: hive partitions and patterns.
const warehouse = TestWarehouse.forFile('country=de/id=7/a[1]*?');

const PLACES = testEntry('public.places', { id: INT, country: TEXT, filename: TEXT }, ['id']);
const LINES = testEntry('public.lines', { id: INT, country: TEXT }, []);

const change = (op: 'i' | 'u' | 'r', lsn: number, row: Record<string, string>) => ({ op, lsn, ordinal: 0, row });

/** What the pattern would match besides. */
function besidePattern(name: string, content: string): void {
  const folder = join(warehouse.folder, 'country=de', 'id=7', 'a1xx');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content);
}

test('folders named like k=v decide no value, neither of a copy nor of a change', async () => {
  const copy = await warehouse.writer.write(PLACES, [
    change('r', 1, { id: '1', country: 'fr', filename: 'f1' }),
    change('r', 1, { id: '2', country: 'it', filename: 'f2' }),
  ]);
  const load = { ...placed(PLACES), files: [], truncates: [], r0Lsn: PLACES.snapshot.r0Lsn, chunks: [copy] };
  await warehouse.merge('hive', 10, { begins: [placed(PLACES)], loads: [load] });
  const changed = await warehouse.writer.write(PLACES, [change('u', 11, { id: '2', country: 'es', filename: 'f3' })]);
  await warehouse.merge('hive', 20, { tables: [{ ...placed(PLACES), files: [changed], truncates: [] }] });
  expect(await warehouse.rows('select id, country, filename from public.places order by id')).toEqual([
    { id: 1, country: 'fr', filename: 'f1' },
    { id: 2, country: 'es', filename: 'f3' },
  ]);
});

test('a path is one file, never a pattern for several', async () => {
  const file = await warehouse.writer.write(LINES, [change('i', 31, { id: '1', country: 'fr' })]);
  besidePattern(basename(warehouse.writer.pathOf(file)), 'no Parquet file');
  const load = { ...placed(LINES), files: [file], truncates: [], r0Lsn: LINES.snapshot.r0Lsn, chunks: [] };
  expect(await warehouse.merge('pattern', 40, { begins: [placed(LINES)], loads: [load] })).toMatchObject({
    paused: [],
  });
  expect(await warehouse.rows('select id, country from public.lines')).toEqual([{ id: 1, country: 'fr' }]);
});

test('a comparison reads the file it was given, as text', async () => {
  const csvPath = join(warehouse.spool, 'source.csv');
  writeFileSync(csvPath, '1,fr,f1\n2,es,f3\n');
  besidePattern('source.csv', '3,it,f4\n');
  const order = { table: PLACES, place: PLACES, csvPath, longRows: [], before: null, limit: 9 };
  const compared = await warehouse.port.compare(order);
  expect(compared).toMatchObject({ tag: 'compared', rowsSource: 2, differingCount: 0 });
});
