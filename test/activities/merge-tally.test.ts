import { expect, test } from 'vitest';
import { MergeTally } from '../../activities/merge-tally.ts';

test('a copy that cannot be completed is asked for anew', () => {
  const tally = new MergeTally();
  tally.needsResync('public.documents');
  expect(tally.result('00000000000000ff', false).resync).toEqual(['public.documents']);
});

test('a copy that began anew meanwhile is not asked for once more', () => {
  const tally = new MergeTally();
  tally.needsResync('public.documents');
  tally.needsResync('public.orders');
  tally.beganAnew('public.documents');
  expect(tally.result('00000000000000ff', false).resync).toEqual(['public.orders']);
});
