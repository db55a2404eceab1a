import { expect, test } from 'vitest';
import type { DueFacts } from '../../activities/warehouse/run-order.ts';
import { assetWhy } from '../../workers/status/asset-why.ts';
import type { AssetDefinition } from '../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../workflows/model/asset/graph.ts';

const NOTHING: DueFacts = {
  ...{ current: 5, causes: { missing: 0, touched: 0, code: 0, whole: 0 }, wanted: 0, searches: false },
  ...{ listed: 0, runs: [], restsUntil: null, ready: true },
};
const waitsFor = (facts: Partial<DueFacts>, own: Partial<AssetDefinition> = { automation: { kind: 'eager' } }) => {
  const definition = { key: 'a/b', deps: ['shop/public.t'], sql: 'select 1 as one', ...own };
  const asset = buildAssetGraph([definition], new Set(['shop'])).asset('a/b');
  return assetWhy(asset, { ...NOTHING, ...facts }).waitsFor;
};
const due = (causes: Partial<DueFacts['causes']>) => ({ causes: { ...NOTHING.causes, ...causes } });

test('what is current waits for nothing, whatever else goes on', () => {
  expect(waitsFor({ runs: ['r1'], listed: 3, ready: false })).toEqual([]);
});

test('what the next decision takes waits for nothing', () => {
  expect(waitsFor({ ...due({ touched: 2 }), wanted: 2 })).toEqual([]);
  expect(waitsFor({ searches: true })).toEqual([]);
});

test('everything that keeps it back is named', () => {
  const facts = { ...due({ touched: 2, code: 7, whole: 1 }), wanted: 2, listed: 4, runs: ['r1', 'r2'] };
  expect(waitsFor({ ...facts, restsUntil: '2026-11-24T18:01:00.000000Z', ready: false })).toEqual([
    { tag: 'inputs' },
    { tag: 'run', run: 'r1' },
    { tag: 'run', run: 'r2' },
    { tag: 'listed', partitions: 4 },
    { tag: 'rest', until: '2026-11-24T18:01:00.000000Z' },
    { tag: 'asked', partitions: 8 },
  ]);
});

test('without automation it waits for somebody', () => {
  expect(waitsFor(due({ missing: 1 }), {})).toEqual([{ tag: 'no-automation' }]);
});
