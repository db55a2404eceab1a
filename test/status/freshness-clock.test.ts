import { expect, test } from 'vitest';
import { FreshnessClock } from '../../workers/status/freshness-clock.ts';

test('nothing is known before anything was readable', () => {
  const clock = new FreshnessClock();
  clock.sourceAt(10n, 1_000);
  clock.readableTo(9n);
  expect(clock.ageSeconds(5_000)).toBeNull();
});

test('the age is that of the last moment whose commits are all readable', () => {
  const clock = new FreshnessClock();
  clock.sourceAt(10n, 1_000);
  clock.sourceAt(20n, 2_000);
  clock.sourceAt(30n, 3_000);
  clock.readableTo(25n);
  expect(clock.ageSeconds(4_000)).toBe(2);
});

test('an idle source stays fresh, a stuck pipeline ages', () => {
  const clock = new FreshnessClock();
  for (let second = 1; second <= 60; second++) {
    clock.sourceAt(10n, second * 1_000);
    clock.readableTo(10n);
  }
  expect(clock.ageSeconds(60_000)).toBe(0);
  for (let second = 61; second <= 120; second++) {
    clock.sourceAt(10n + BigInt(second), second * 1_000);
    clock.readableTo(10n);
  }
  expect(clock.ageSeconds(120_000)).toBe(60);
});

test('a source that cannot be asked makes the age grow', () => {
  const clock = new FreshnessClock();
  clock.sourceAt(10n, 1_000);
  clock.readableTo(10n);
  expect(clock.ageSeconds(31_000)).toBe(30);
});
