import { expect, test } from 'vitest';
import { MergeTally } from '../../activities/merging/tally.ts';

const END = '00000000000000ff';

test('a copy that cannot be completed is asked for again, and at once', () => {
  const tally = new MergeTally();
  tally.reject('public.documents', 'first', true);
  expect(tally.hasNewRejected).toBe(true);
  expect(tally.result(END, true)).toMatchObject({ resync: ['public.documents'], rejected: ['first'] });
});

test('a copy that began again meanwhile is not asked for once more', () => {
  const tally = new MergeTally();
  tally.reject('public.documents', 'first', true);
  tally.reject('public.orders', 'second', true);
  tally.beganAgain('public.documents');
  expect(tally.result(END, false)).toMatchObject({ resync: ['public.orders'], rejected: ['second'] });
});

test('what an earlier run asked for is asked for again by a run that ended by itself, not by one that ended early', () => {
  const tally = new MergeTally();
  tally.reject('public.documents', 'first', false);
  expect(tally.hasNewRejected).toBe(false);
  expect(tally.result(END, false)).toMatchObject({ resync: ['public.documents'], rejected: ['first'] });
  tally.reject('public.orders', 'second', true);
  expect(tally.result(END, true)).toMatchObject({ resync: ['public.orders'], rejected: ['first', 'second'] });
});
