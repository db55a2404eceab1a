import { expect, test } from 'vitest';
import { lookAgainMs, restMs } from '../../activities/merging/pace.ts';

test('merges of small windows take a quarter of the time, and never rest long', () => {
  expect([restMs(10), restMs(5_000)]).toEqual([30, 150]);
});

test('the log is asked often after a find, and seldom later', () => {
  expect([0, 80, 800, 60_000].map((idleMs) => lookAgainMs(idleMs, 12))).toEqual([12, 12, 100, 150]);
});
