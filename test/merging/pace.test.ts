import { expect, test } from 'vitest';
import { lookAgainMs, restMs } from '../../activities/merging/pace.ts';

test('merges of small windows take a quarter of the time, and never rest long', () => {
  expect([restMs(10, null, 50), restMs(5_000, null, 50)]).toEqual([30, 150]);
});

test('the next manifest is looked for shortly before it is expected, if that is soon', () => {
  expect([restMs(10, 10, 200), restMs(50, 50, 200), restMs(70, 70, 200)]).toEqual([170, 150, 150]);
  expect(restMs(10, 10, 60_000)).toBe(240);
});

test('the log is asked often after a find, and seldom later', () => {
  expect([0, 80, 800, 60_000].map((idleMs) => lookAgainMs(idleMs, 12))).toEqual([12, 12, 100, 150]);
});
