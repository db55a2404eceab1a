import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seedColumns } from '../../../activities/warehouse/duckdb/seed-columns.ts';
import { withSpooledSeeds } from '../../../workers/seed-file.ts';
import type { LoadedAsset, LoadedSeed } from '../../../workflows/model/asset/definition.ts';
import { type AssetGraph, buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const LIMITS = { maxRows: 100, maxBytes: 1_000_000, timeoutMs: 20_000 };
const warehouse = TestWarehouse.forFile();
let graph: AssetGraph;
let runs = 0;

/** In a folder whose name could be taken for columns. */
const pathOf = (name: string) => join(warehouse.folder, 'region=eu', 'filename=x', name);

function seed(name: string, content: string | Buffer, more: Partial<LoadedSeed> = {}): LoadedAsset {
  const path = pathOf(name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  const hash = createHash('sha256').update(content).digest('hex');
  const format = more.format ?? 'csv';
  return { kind: 'seed', key: 'ref/seed', deps: [], sql: '', seed: { path, hash, format, delimiter: ',', ...more } };
}

async function declare(...assets: readonly LoadedAsset[]): Promise<void> {
  graph = await withSpooledSeeds(buildAssetGraph(assets, new Set()), warehouse.spool);
  await warehouse.port.declareAssets(graph.derived, NOW);
}

const due = async () => (await warehouse.port.dueAssets(graph.derived)).map(({ asset }) => asset);
const materialize = async (key: string) => {
  runs += 1;
  const run = { workflowId: 'materialize/x', runId: `run-${runs}`, attempt: 1 };
  return (await warehouse.port.materialize({ asset: graph.asset(key), run })).records;
};
const load = async (asset: LoadedAsset) => {
  await declare(asset);
  return await materialize(asset.key);
};
const contents = async () => await warehouse.port.query('from ref.seed order by all', [], LIMITS);

describe('a seed', () => {
  const COUNTRIES = 'code,since,name\n007,2024-05-06,"a ""b"""\n01,2025-01-02,\n';

  test('is read with types that are given, or found in the whole file, and never with a value of its path', async () => {
    await load(seed('countries.csv', COUNTRIES, { columns: { code: 'VARCHAR' } }));
    const { columns, rows } = await contents();
    expect(columns).toEqual([
      { name: 'code', type: 'VARCHAR' },
      { name: 'since', type: 'DATE' },
      { name: 'name', type: 'VARCHAR' },
    ]);
    expect(rows).toEqual([
      ['007', '2024-05-06', 'a "b"'],
      ['01', '2025-01-02', null],
    ]);
    const late = `n\n${'1\n'.repeat(30_000)}x\n`;
    await load(seed('late.csv', late));
    expect((await warehouse.port.query('from ref.seed limit 1', [], LIMITS)).columns).toMatchObject([
      { type: 'VARCHAR' },
    ]);
  });

  test.each<[string, string, Partial<LoadedSeed>]>([
    ['lines.jsonl', '{"code":"1","n":1}\n{"code":"2","n":2}\n', { format: 'json' }],
    ['list.json', '[{"code":"1","n":1},{"code":"2","n":2}]', { format: 'json' }],
    ['tabs.tsv', 'code\tn\n1\t1\n2\t2\n', { delimiter: '\t', columns: { code: 'VARCHAR' } }],
  ])('can be %s', async (name, content, how) => {
    await load(seed(name, content, { ...how, columns: { ...how.columns, n: 'DECIMAL(9, 2)' } }));
    const { columns, rows } = await contents();
    expect(columns.map(({ type }) => type)).toEqual(['VARCHAR', 'DECIMAL(9,2)']);
    expect(rows).toEqual([
      ['1', '1.00'],
      ['2', '2.00'],
    ]);
  });

  test('of JSON takes given types from the text of the file, not from what was found in it', async () => {
    const rows = [
      {
        opens: '12:30',
        at: '2026-11-27T10:00:00Z',
        uuid: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
        n: 1,
        'a"b': ['x', null],
      },
      { opens: null, at: '-', uuid: '', n: 2, 'a"b': null },
    ];
    const columns = { opens: 'VARCHAR', at: 'VARCHAR', uuid: 'VARCHAR', 'a"b': 'VARCHAR[]' };
    await load(seed('texts.json', JSON.stringify(rows), { format: 'json', columns }));
    expect((await contents()).rows).toEqual([
      ['12:30', '2026-11-27T10:00:00Z', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 1, ['x', null]],
      [null, '-', '', 2, null],
    ]);
  });

  test('can be a Parquet file', async () => {
    const path = join(warehouse.spool, 'made.parquet');
    await warehouse.rows(`copy (select 1 as a, 'x' as b) to '${path}' (format parquet)`);
    await load(seed('made.parquet', readFileSync(path), { format: 'parquet', columns: { a: 'BIGINT' } }));
    expect(await contents()).toMatchObject({ columns: [{ name: 'a', type: 'BIGINT' }, { name: 'b' }] });
  });

  test('is due when its content changes, and what reads it only when its rows do', async () => {
    const reader: LoadedAsset = { key: 'a/reader', deps: ['ref/seed'], sql: 'select count(*) as n from {ref/seed}' };
    await declare(seed('s.csv', 'a\n1\n2\n'), reader);
    await materialize('ref/seed');
    await materialize('a/reader');
    expect(await due()).toEqual([]);
    // The same file elsewhere, and the same rows in another order.
    await declare(seed('elsewhere.csv', 'a\n1\n2\n'), reader);
    expect(await due()).toEqual([]);
    await declare(seed('s.csv', 'a\n2\n1\n'), reader);
    expect(await due()).toEqual(['ref/seed']);
    expect(await materialize('ref/seed')).toMatchObject([{ unchanged: true, inputs: [] }]);
    expect(await due()).toEqual([]);
    await declare(seed('s.csv', 'a\n3\n1\n'), reader);
    await materialize('ref/seed');
    expect(await due()).toEqual(['a/reader']);
  });

  test('is in the next decision of automation when its content has changed', async () => {
    const decided = async (content: string) => {
      await declare({ ...seed('auto.csv', content), automation: { kind: 'eager' }, everyMs: 5_000 });
      const { run } = await warehouse.port.decide({ assets: graph.derived, closed: [], nowMs: Date.now() });
      return run?.steps.map(({ asset }) => asset) ?? [];
    };
    await load(seed('auto.csv', 'a\n1\n'));
    expect(await decided('a\n1\n')).toEqual([]);
    expect(await decided('a\n2\n')).toEqual(['ref/seed']);
  });

  test('whose file does not fit keeps its rows, and says what is wrong without a value', async () => {
    await load(seed('good.csv', 'a,b\n1,2\n'));
    for (const bad of [
      seed('bad.csv', 'a,b\n1,x7\n', { columns: { b: 'INTEGER' } }),
      seed('worse.csv', 'a,b\n1,2\n', { columns: { c: 'INTEGER' } }),
      seed('worst.csv', 'a,b\n1,2\n3\n'),
    ]) {
      const failure: unknown = await load(bad).catch((caught: unknown) => caught);
      expect(failure).toMatchObject({ code: 'ASSET_FAILED' });
      expect(String(failure)).not.toContain('x7');
    }
    expect((await contents()).rows).toEqual([[1, 2]]);
  });

  test('is copied as it was when the configuration was read, or not at all', async () => {
    const asset = seed('moving.csv', 'a\n7\n');
    writeFileSync(pathOf('moving.csv'), 'a\n2\n');
    await expect(declare(asset)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(existsSync(join(warehouse.spool, '.seeds', `${asset.seed?.hash}.csv`))).toBe(false);
    await expect(declare(seed('gone.csv', '', { path: pathOf('nowhere.csv') }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

test('the columns of a seed are known before it is loaded, or what is wrong with its file', async () => {
  const of = async ({ key, seed: file }: LoadedAsset) => (file === undefined ? [] : await seedColumns(key, file));
  const typed = seed('check.csv', 'code,n,day\n007,1,2024-05-06\n', { columns: { code: 'VARCHAR' } });
  expect(await of(typed)).toEqual([
    { name: 'code', type: 'VARCHAR' },
    { name: 'n', type: 'BIGINT' },
    { name: 'day', type: 'DATE' },
  ]);
  const wrong = seed('wrong.csv', 'code\nsecret\n', { columns: { code: 'INTEGER' } });
  const failure: unknown = await of(wrong).catch((caught: unknown) => caught);
  expect(failure).toMatchObject({ code: 'ASSET_INVALID', message: expect.stringContaining('the file of ref/seed') });
  expect(String(failure)).not.toContain('secret');
});
