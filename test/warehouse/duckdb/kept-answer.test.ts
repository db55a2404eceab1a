import { expect, test } from 'vitest';
import { KeptAnswer } from '../../../activities/warehouse/duckdb/assets/kept-answer.ts';

test('an answer is kept until something is written, for those who ask the same', async () => {
  const kept = new KeptAnswer<number>();
  let asked = 0;
  const ask = async () => ++asked;
  expect(await Promise.all([kept.get('a', ask), kept.get('a', ask)])).toEqual([1, 1]);
  expect(await kept.get('b', ask)).toBe(2);
  expect(await kept.get('b', ask)).toBe(2);
  kept.forget();
  expect(await kept.get('b', ask)).toBe(3);
});

test('what was asked before a write is not kept behind it', async () => {
  const kept = new KeptAnswer<string>();
  const slow = Promise.withResolvers<string>();
  const early = kept.get('a', () => slow.promise);
  kept.forget();
  slow.resolve('from before');
  expect(await early).toBe('from before');
  expect(await kept.get('a', async () => 'from behind')).toBe('from behind');
});

test('a failure is not kept', async () => {
  const kept = new KeptAnswer<string>();
  await expect(kept.get('a', () => Promise.reject(new Error('busy')))).rejects.toThrow('busy');
  expect(await kept.get('a', async () => 'again')).toBe('again');
});
