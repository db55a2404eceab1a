import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type MergePlan, placed, type TableLoad } from '../../../activities/warehouse/merge-plan.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { INT, TEXT, type TestChange, testEntry } from './change-files.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const docs = (schema: string, id?: string) =>
  testEntry(`${schema}.docs`, { id: INT, note: TEXT, doc: TEXT }, ['id'], id);

const change = (op: TestChange['op'], lsn: number, ordinal: number, row: TestChange['row']): TestChange => ({
  ...{ op, lsn, ordinal, row },
});
const kept = (lsn: number, ordinal: number, row: TestChange['row']): TestChange => ({
  ...change('u', lsn, ordinal, row),
  unchanged: ['doc'],
});
const moved = (lsn: number, ordinal: number, row: TestChange['row']): TestChange => ({
  ...kept(lsn, ordinal, row),
  moved: true,
});

async function changes(entry: CaptureEntry, list: readonly TestChange[]) {
  return { ...placed(entry), files: [await warehouse.writer.write(entry, list)], truncates: [] };
}

async function load(
  entry: CaptureEntry,
  chunk: readonly TestChange[],
  list: readonly TestChange[],
): Promise<TableLoad> {
  return {
    ...placed(entry),
    r0Lsn: lsnToHex(100n),
    chunks: chunk.length > 0 ? [await warehouse.writer.write(entry, chunk)] : [],
    files: list.length > 0 ? [await warehouse.writer.write(entry, list)] : [],
    truncates: [],
  };
}

/** A table with rows 1 (doc one) and 2 (doc two), live. */
async function liveDocs(schema: string): Promise<CaptureEntry> {
  const entry = docs(schema);
  const chunk = [1, 2].map((id) => change('r', 1, id, { id: `${id}`, note: 'old', doc: id === 1 ? 'one' : 'two' }));
  await warehouse.merge(schema, 100, { begins: [placed(entry)], loads: [await load(entry, chunk, [])] });
  return entry;
}

const contents = (schema: string) => warehouse.rows(`select id, note, doc from ${schema}.docs order by id`);
const states = (pipeline: string) => warehouse.port.tables(pipeline);
const merge = (plan: MergePlan) => warehouse.port.merge(plan, warehouse.writer);

test('change files leave nothing behind in memory once they are merged', async () => {
  const entry = await liveDocs('cached');
  await warehouse.merge('cached', 200, {
    tables: [await changes(entry, [change('i', 150, 0, { id: '3', note: 'new', doc: 'three' })])],
  });
  const cached = `select memory_usage_bytes::INTEGER as bytes from duckdb_memory() where tag = 'EXTERNAL_FILE_CACHE'`;
  expect(await warehouse.rows(cached)).toEqual([{ bytes: 0 }]);
});

describe('a live table', () => {
  test('keeps unchanged values through a chain of key moves in one transaction', async () => {
    const entry = await liveDocs('chain');
    const chain = [
      change('d', 110, 0, { id: '1' }),
      moved(110, 1, { id: '7', note: 'a' }),
      change('d', 110, 2, { id: '7' }),
      moved(110, 3, { id: '8', note: 'b' }),
    ];
    await warehouse.merge('chain', 120, { tables: [await changes(entry, chain)] });
    expect(await contents('chain')).toEqual([
      { id: 2, note: 'old', doc: 'two' },
      { id: 8, note: 'b', doc: 'one' },
    ]);
  });

  test('takes the last of several changes of a key that carry every column', async () => {
    const entry = await liveDocs('several');
    const first = await changes(entry, [
      change('i', 110, 0, { id: '3', note: 'a', doc: 'three' }),
      change('d', 110, 1, { id: '1' }),
      change('i', 110, 2, { id: '1', note: 'b', doc: 'anew' }),
      change('u', 111, 0, { id: '2', note: 'c', doc: 'gone' }),
    ]);
    const second = await changes(entry, [
      change('u', 115, 0, { id: '3', note: 'd', doc: 'three' }),
      change('d', 116, 0, { id: '2' }),
    ]);
    const files = [...first.files, ...second.files];
    await warehouse.merge('several', 120, { tables: [{ ...first, files }] });
    expect(await contents('several')).toEqual([
      { id: 1, note: 'b', doc: 'anew' },
      { id: 3, note: 'd', doc: 'three' },
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
    await warehouse.merge('swap', 120, { tables: [await changes(entry, swap)] });
    expect(await contents('swap')).toEqual([
      { id: 1, note: 'b', doc: 'two' },
      { id: 2, note: 'c', doc: 'one' },
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
    await warehouse.merge('nulls', 120, { tables: [await changes(entry, list)] });
    expect((await contents('nulls'))[0]).toEqual({ id: 1, note: 'b', doc: null });
    const together = [...list.map((one) => ({ ...one, lsn: one.lsn + 15 })), ...away];
    await warehouse.merge('nulls', 140, { tables: [await changes(entry, together)] });
    expect((await contents('nulls'))[1]).toEqual({ id: 3, note: 'b', doc: null });
  });

  test('is paused, alone, when an unchanged value is found nowhere', async () => {
    const entry = await liveDocs('lost');
    const other = testEntry('lost.other', { id: INT }, ['id']);
    await warehouse.merge('lost', 101, { begins: [placed(other)], loads: [await load(other, [], [])] });
    const outcome = await warehouse.merge('lost', 120, {
      tables: [
        await changes(entry, [kept(110, 0, { id: '55', note: 'x' })]),
        await changes(other, [change('i', 110, 1, { id: '1' })]),
      ],
    });
    expect(outcome.paused).toMatchObject([{ table: 'lost.docs', code: 'UNCHANGED_UNRESOLVED' }]);
    expect(await contents('lost')).toHaveLength(2);
    expect(await warehouse.rows('select * exclude (_walflow_commit_time) from lost.other')).toEqual([
      { id: 1, _walflow_commit_lsn: '110' },
    ]);
    expect(await states('lost')).toMatchObject([
      { table: 'lost.docs', state: 'paused', mergedTo: { seq: 2, lsn: lsnToHex(101n) } },
      { table: 'lost.other', state: 'live', mergedTo: null },
    ]);
  });

  test('whose file is no Parquet is paused and all others are merged in the same call', async () => {
    const entry = await liveDocs('broken');
    const other = testEntry('broken.other', { id: INT }, ['id']);
    const first = await load(other, [], [change('i', 100, 0, { id: '1' })]);
    await warehouse.merge('broken', 101, { begins: [placed(other)], loads: [first] });
    const good = await changes(entry, [change('d', 110, 0, { id: '1' })]);
    for (const file of good.files) writeFileSync(warehouse.writer.pathOf(file), 'no Parquet at all');
    const outcome = await warehouse.merge('broken', 120, {
      tables: [good, await changes(other, [change('i', 110, 1, { id: '2' })])],
    });
    expect(outcome.paused).toMatchObject([{ table: 'broken.docs', code: 'TABLE_UNMERGEABLE' }]);
    expect(await contents('broken')).toHaveLength(2);
    expect(await warehouse.rows('select id from broken.other')).toHaveLength(2);
  });

  test('without a key only grows, and a truncate empties it', async () => {
    const entry = testEntry('grow.lines', { text: TEXT }, []);
    await warehouse.merge('grow', 100, {
      begins: [placed(entry)],
      loads: [await load(entry, [change('r', 1, 0, { text: 'a' })], [])],
    });
    expect(await states('grow')).toMatchObject([{ state: 'append-only' }]);
    const twice = await changes(entry, [change('i', 110, 0, { text: 'b' }), change('i', 110, 1, { text: 'b' })]);
    await warehouse.merge('grow', 120, { tables: [twice] });
    expect(await warehouse.rows('select text from grow.lines order by 1')).toEqual([
      { text: 'a' },
      { text: 'b' },
      { text: 'b' },
    ]);
    const after = await changes(entry, [change('i', 130, 0, { text: 'x' }), change('i', 130, 2, { text: 'y' })]);
    await warehouse.merge('grow', 140, {
      tables: [{ ...after, truncates: [{ commitLsn: lsnToHex(130n), ordinal: 1 }] }],
    });
    expect(await warehouse.rows('select text from grow.lines')).toEqual([{ text: 'y' }]);
  });

  test('may have any column name, those of change files among them', async () => {
    const names = ['_op', '_Commit_LSN', 'c0', 'op', 'position', 'a "b"', 'select', 'rowid', '_walflow_x'];
    const entry = testEntry('Od d.ta"ble', Object.fromEntries(names.map((name) => [name, TEXT])), ['_op', 'a "b"']);
    const row = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
    await warehouse.merge('odd', 100, {
      begins: [placed(entry)],
      loads: [await load(entry, [], [change('i', 100, 0, row)])],
    });
    const { position: _, ...carried } = row;
    const update = { ...change('u', 110, 0, carried), unchanged: ['position'] };
    await warehouse.merge('odd', 120, { tables: [await changes(entry, [update])] });
    expect(
      await warehouse.rows(
        `select columns(* exclude (_walflow_commit_lsn, _walflow_commit_time)) from "Od d"."ta""ble"`,
      ),
    ).toEqual([row]);
  });
});

describe('a loading table', () => {
  test('folds changes at and after R0 over its copied rows and ignores earlier ones', async () => {
    const entry = docs('fresh');
    const chunk = [1, 2, 3].map((id) => change('r', 100, id, { id: `${id}`, note: 'copied', doc: `${id}` }));
    const list = [
      change('d', 99, 0, { id: '3' }),
      kept(100, 0, { id: '1', note: 'new' }),
      change('d', 105, 0, { id: '2' }),
      change('i', 106, 0, { id: '4', note: 'new', doc: '4' }),
    ];
    const outcome = await warehouse.merge('fresh', 120, {
      begins: [placed(entry)],
      loads: [await load(entry, chunk, list)],
    });
    expect(outcome.rows['fresh.docs']).toMatchObject({ loaded: 1 });
    expect(await contents('fresh')).toEqual([
      { id: 1, note: 'new', doc: '1' },
      { id: 3, note: 'copied', doc: '3' },
      { id: 4, note: 'new', doc: '4' },
    ]);
  });

  test('asks for a new copy, and stays loading, when a row moved between chunks', async () => {
    const entry = docs('between');
    const list = [change('d', 105, 0, { id: '1' }), moved(105, 1, { id: '9', note: 'x' })];
    const outcome = await warehouse.merge('between', 120, {
      begins: [placed(entry)],
      loads: [await load(entry, [], list)],
    });
    expect(outcome.unresolved).toEqual(['between.docs']);
    expect(await states('between')).toMatchObject([{ state: 'loading' }]);
  });

  test('does not take the value of a later row that was inserted at the key a row moved away from', async () => {
    const entry = docs('reused');
    const chunk = [change('r', 100, 0, { id: '1', note: 'later', doc: 'of the later row' })];
    const list = [
      change('d', 105, 0, { id: '1' }),
      moved(105, 1, { id: '9', note: 'x' }),
      change('i', 106, 0, { id: '1', note: 'later', doc: 'of the later row' }),
    ];
    const outcome = await warehouse.merge('reused', 120, {
      begins: [placed(entry)],
      loads: [await load(entry, chunk, list)],
    });
    expect(outcome.unresolved).toEqual(['reused.docs']);
  });

  test('takes the value from the row at the new key when the copy saw it there', async () => {
    const entry = docs('arrived');
    const chunk = [change('r', 100, 0, { id: '9', note: 'x', doc: 'carried along' })];
    const list = [change('d', 105, 0, { id: '1' }), moved(105, 1, { id: '9', note: 'x' })];
    await warehouse.merge('arrived', 120, { begins: [placed(entry)], loads: [await load(entry, chunk, list)] });
    expect(await contents('arrived')).toEqual([{ id: 9, note: 'x', doc: 'carried along' }]);
  });

  test('keeps its old rows readable and its old position until the new copy is loaded', async () => {
    const entry = await liveDocs('again');
    const anew = docs('again', 'copy-2');
    await warehouse.merge('again', 120, { begins: [placed(anew)] });
    expect(await contents('again')).toHaveLength(2);
    expect(await states('again')).toMatchObject([{ state: 'loading', mergedTo: { seq: 1, lsn: lsnToHex(100n) } }]);
    await warehouse.merge('again', 130, { loads: [await load(entry, [], [])] });
    expect(await states('again')).toMatchObject([{ state: 'loading' }]);
    await warehouse.merge('again', 140, {
      loads: [await load(anew, [change('r', 1, 0, { id: '5', note: null, doc: null })], [])],
    });
    expect(await contents('again')).toEqual([{ id: 5, note: null, doc: null }]);
    expect(await states('again')).toMatchObject([{ state: 'live', mergedTo: null }]);
  });

  test.each([
    ['the warehouse file', 'warehouse'],
    ["DuckDB's own databases", 'memory'],
    ["DuckDB's first schema", 'main'],
  ])('may lie in a schema named like %s', async (_, schema) => {
    const entry = await liveDocs(schema);
    const outcome = await warehouse.merge(schema, 120, {
      tables: [await changes(entry, [change('u', 110, 0, { id: '1', note: 'new', doc: 'x' })])],
    });
    expect(outcome.paused).toEqual([]);
    const limits = { maxRows: 10, maxBytes: 1000, timeoutMs: 1000 };
    const asked = await warehouse.port.query(`select note from ${schema}.docs where id = 1`, [], limits);
    expect(asked.rows).toEqual([['new']]);
    expect((await warehouse.port.rowCounts(schema)).get(`${schema}.docs`)).toBe(2);
  });

  test('is paused, naming both, when its name differs from another only in case', async () => {
    await liveDocs('twin');
    const outcome = await warehouse.merge('twin', 120, {
      begins: [placed(testEntry('twin.DOCS', { id: INT }, ['id']))],
    });
    expect(outcome.paused).toMatchObject([{ table: 'twin.DOCS', code: 'NAME_COLLISION' }]);
    expect(outcome.paused[0]?.reason).toContain('twin.docs');
    const columns = testEntry('twin.columns', { Id: INT, id: INT }, ['id']);
    const second = await warehouse.merge('twin', 130, { begins: [placed(columns)] });
    expect(second.paused).toMatchObject([{ table: 'twin.columns', code: 'NAME_COLLISION' }]);
  });

  test('stays beside another whose name differs in the case of a letter outside ASCII, or in the place of a dot', async () => {
    const entries = ['fold.Äb', 'fold.äb', 'FOLD.ÄB'].map((table) =>
      testEntry(table, { id: INT, Éa: TEXT, éa: TEXT }, ['id']),
    );
    const [first, second] = entries as [CaptureEntry, CaptureEntry];
    const dotted = { ...testEntry('fold.x', { id: INT }, ['id']), table: 'fold.a%2Eb', name: 'a.b' };
    const places = { ...testEntry('fold.y', { id: INT }, ['id']), table: 'fold%2Ea.b', schema: 'fold.a', name: 'b' };
    const rows = [change('r', 1, 0, { id: '1', Éa: 'upper', éa: 'lower' })];
    const outcome = await warehouse.merge('fold', 120, {
      begins: [...entries, dotted, places].map(placed),
      loads: [await load(first, rows, []), await load(second, rows, [])],
    });
    expect(outcome.paused).toMatchObject([{ table: 'FOLD.ÄB', code: 'NAME_COLLISION' }]);
    expect(await warehouse.rows('select "Éa", "éa" from fold."Äb" union all select "Éa", "éa" from fold."äb"')).toEqual(
      [
        { Éa: 'upper', éa: 'lower' },
        { Éa: 'upper', éa: 'lower' },
      ],
    );
  });
});

describe('the watermark', () => {
  test('lets one of two merges of the same window through, and the other sees it was merged', async () => {
    const entry = await liveDocs('race');
    const plan = await warehouse.plan('race', 120, {
      tables: [await changes(entry, [change('d', 110, 0, { id: '1' })])],
    });
    const outcomes = await Promise.all([merge(plan), merge(plan)]);
    expect(outcomes.map((outcome) => outcome.tag).sort()).toEqual(['already-merged', 'merged']);
    expect(await warehouse.port.watermark('race')).toEqual(plan.next);
    expect(
      await warehouse.rows(`select seq_from, seq_to, rows from _walflow.ledger where pipeline = 'race' and seq_to = 2`),
    ).toHaveLength(1);
  });

  test('wakes who awaits the next merge once it can be read, and no earlier', async () => {
    const entry = await liveDocs('awaited');
    const plan = await warehouse.plan('awaited', 120, {
      tables: [await changes(entry, [change('d', 110, 0, { id: '1' })])],
    });
    const stands = () => warehouse.port.watermark('awaited');
    const seen = warehouse.port.nextMerge.then(stands);
    await merge(plan);
    expect(await seen).toEqual(plan.next);
    const next = warehouse.port.nextMerge.then(() => 'merged');
    expect(await Promise.race([next, 'nothing yet'])).toBe('nothing yet');
  });

  test('refuses a merge that read another manifest there', async () => {
    await liveDocs('other');
    const plan = await warehouse.plan('other', 120, {});
    const foreign = { ...plan, expected: { ...plan.expected, manifestHash: 'another log' } };
    await expect(merge(foreign)).rejects.toMatchObject({ code: 'WATERMARK_MOVED' });
  });

  test('refuses a merge that does not know of a table that went live meanwhile', async () => {
    const entry = docs('late');
    await warehouse.merge('late', 100, { begins: [placed(entry)] });
    const stale = await warehouse.plan('late', 120, {});
    const loadOnly = await warehouse.plan('late', 100, { loads: [await load(entry, [], [])] });
    await merge({ ...loadOnly, next: loadOnly.expected });
    await expect(merge(stale)).rejects.toMatchObject({ code: 'WATERMARK_MOVED' });
  });
});
