import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StoredDeclaration } from '../../activities/warehouse/declaration.ts';
import { run } from '../../workers/cli/main.ts';
import { plannedChanges, type WantedAsset } from '../../workers/cli/plan-changes.ts';
import { freshFolder } from '../support/folder.ts';
import { fakeTerminal } from './fake-terminal.ts';

const wanted = (more: Partial<WantedAsset>): WantedAsset => ({
  ...{ asset: 'a/x', kind: 'table', code: 'c1', reads: 'r1', partitions: null },
  ...more,
});
const stored = (more: Partial<StoredDeclaration>): StoredDeclaration => ({
  ...{ asset: 'a/x', kind: 'table', code: 'c1', reads: 'r1', partitions: 12 },
  ...more,
});

describe('a changed configuration', () => {
  test.each<[string, WantedAsset, StoredDeclaration, object | null]>([
    ['leaves what is the same', wanted({}), stored({}), null],
    ['leaves the same code of which nothing more was noted', wanted({}), stored({ reads: '' }), null],
    ['makes other code stale', wanted({ code: 'c2' }), stored({}), { change: 'stale', partitions: 12 }],
    [
      'computes again what reads otherwise',
      wanted({ code: 'c2', reads: 'r2' }),
      stored({}),
      { change: 'rebuild', partitions: 12 },
    ],
    [
      'makes a view again',
      wanted({ kind: 'view', code: 'c2' }),
      stored({ kind: 'view' }),
      { change: 'replace', partitions: null },
    ],
    ['leaves the same view', wanted({ kind: 'view' }), stored({ kind: 'view', partitions: 0 }), null],
    [
      'moves a view',
      wanted({ kind: 'view', reads: 'b.x' }),
      stored({ kind: 'view' }),
      { why: 'it moves to another name' },
    ],
    ['puts a view where a table was', wanted({ kind: 'view' }), stored({}), { change: 'replace', partitions: 12 }],
    [
      'puts a table where a view was',
      wanted({ partitions: 3 }),
      stored({ kind: 'view' }),
      { change: 'replace', partitions: 3 },
    ],
  ])('%s', (_, now, before, change) => {
    expect(plannedChanges([now], [before])).toEqual(change === null ? [] : [expect.objectContaining(change)]);
  });

  test('renames, and says what changes besides', () => {
    const now = wanted({ asset: 'b/new', previousKeys: ['a/gone', 'a/x'], code: 'c2' });
    expect(
      plannedChanges([now], [stored({})]).map(({ asset, change, partitions }) => [asset, change, partitions]),
    ).toEqual([
      ['b/new', 'rename', 12],
      ['b/new', 'stale', 12],
    ]);
    expect(plannedChanges([now], [stored({}), stored({ asset: 'b/new', code: 'c2' })])).toMatchObject([
      { asset: 'a/x', change: 'drop' },
    ]);
  });

  test('creates what is new, in its order, and drops what is left out', () => {
    const changes = plannedChanges(
      [wanted({ asset: 'b/new', partitions: 2 }), wanted({ asset: 'a/v', kind: 'view', partitions: 1 })],
      [stored({}), stored({ asset: 'a/view', kind: 'view' })],
    );
    expect(changes.map(({ asset, change, partitions }) => [asset, change, partitions])).toEqual([
      ['b/new', 'create', 2],
      ['a/v', 'create', null],
      ['a/x', 'drop', 12],
      ['a/view', 'drop', null],
    ]);
  });
});

describe('walflow plan', () => {
  const folder = freshFolder();
  const gone = { asset: 'old/one', kind: 'table', code: 'c', reads: 'r', partitions: 1_200 };
  const planned = async (...flags: string[]) => {
    writeFileSync(
      join(folder, 'walflow.config.mjs'),
      `export default { name: 'x', warehouses: { main: { kind: 'duckdb', path: 'w' } }, pipelines: {}, assets: [
         { kind: 'seed', key: 'ref/one', file: 'one.csv' }] };`,
    );
    writeFileSync(join(folder, 'one.csv'), 'a\n1\n');
    const terminal = fakeTerminal({ cwd: folder, answers: { '/api/declarations': [gone] } });
    expect(await run(['plan', ...flags], terminal)).toBe(0);
    return terminal.printed[0] ?? '';
  };

  test('tells what would be created and dropped, and how many partitions', async () => {
    const [, , ...rows] = (await planned()).split('\n').map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ['create', 'ref/one', '1', 'it is new'],
      ['drop', 'old/one', '1,200', 'its table stays, and is not kept current any more'],
    ]);
    expect(JSON.parse(await planned('--json'))).toMatchObject({
      changes: [{ asset: 'ref/one' }, { partitions: 1_200 }],
    });
  });
});
