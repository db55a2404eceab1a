import { expect, test } from 'vitest';
import { safely } from '../../workflows/model/callback.ts';

test('what is thrown, and what is rejected with, is passed on and does not get out', async () => {
  const failures: unknown[] = [];
  const onFailure = (failure: unknown) => void failures.push(failure);
  const thrown = safely((what: string) => {
    throw what;
  }, onFailure);
  expect(thrown('thrown')).toBeUndefined();
  safely(() => Promise.reject('rejected'), onFailure)();
  safely(async () => 'fine', onFailure)();
  await Promise.resolve();
  expect(failures).toEqual(['thrown', 'rejected']);
});

test('arguments reach the work', () => {
  const got: unknown[] = [];
  safely(
    (a: number, b: string) => void got.push(a, b),
    () => {},
  )(1, 'b');
  expect(got).toEqual([1, 'b']);
});
