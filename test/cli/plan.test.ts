import { describe, expect, test } from 'vitest';
import type { StoredDeclaration } from '../../activities/warehouse/declaration.ts';
import { plannedChanges, type WantedAsset } from '../../workers/cli/plan-changes.ts';

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
