import { expect, test } from 'vitest';
import { Backlog } from '../../activities/landing/backlog.ts';

test('a position is behind once the server is known to have passed it a second ago', () => {
  const backlog = new Backlog();
  expect(backlog.isBehind(1n, 10_000), 'nothing is known').toBe(false);
  backlog.reached(100n, 10_000);
  expect(backlog.isBehind(50n, 10_900), 'may be fresh').toBe(false);
  expect(backlog.isBehind(50n, 11_000)).toBe(true);
  expect(backlog.isBehind(100n, 11_000), 'may have been written since').toBe(false);
});

test('asking the server again changes nothing for what was old before', () => {
  const backlog = new Backlog();
  backlog.reached(100n, 10_000);
  backlog.reached(200n, 15_000);
  expect(backlog.isBehind(50n, 15_100)).toBe(true);
  expect(backlog.isBehind(150n, 15_100)).toBe(false);
  expect(backlog.isBehind(150n, 16_000)).toBe(true);
});
