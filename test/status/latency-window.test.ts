import { expect, test } from 'vitest';
import { LatencyWindow } from '../../workers/status/latency-window.ts';

test('there is no figure without a sample of the last minute', () => {
  const window = new LatencyWindow();
  expect(window.summary(0)).toBeNull();
  window.add(100, 0);
  expect(window.summary(60_001)).toBeNull();
});

test('p50 and p99 are those of the last minute', () => {
  const window = new LatencyWindow();
  window.add(9_999, 0);
  for (let i = 1; i <= 100; i++) window.add(i, 61_000);
  expect(window.summary(61_000)).toEqual({ p50Ms: 51, p99Ms: 100 });
});
