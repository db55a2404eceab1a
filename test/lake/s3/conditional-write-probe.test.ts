import { expect, test } from 'vitest';
import { proveConditionalWrites } from '../../../activities/lake/s3/conditional-write-probe.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';

/** A store whose answer to each PUT is chosen by the test; remembers what it holds. */
function storeAnswering(answer: (put: number, taken: boolean) => 'stored' | 'exists') {
  const held = new Set<string>();
  let puts = 0;
  let keys = 0;
  return {
    held,
    freshKey: () => `probe/${keys++}`,
    putIfAbsent: async (key: string) => {
      const taken = held.has(key);
      held.add(key);
      return answer(puts++, taken);
    },
    remove: async (key: string) => {
      held.delete(key);
    },
  };
}

const prove = (store: ReturnType<typeof storeAnswering>) => proveConditionalWrites(store, store.freshKey);

test('a store that honours the condition passes, and is left as it was', async () => {
  const store = storeAnswering((_, taken) => (taken ? 'exists' : 'stored'));
  await prove(store);
  expect(store.held.size).toBe(0);
});

test('a store that ignores the condition is refused', async () => {
  const store = storeAnswering(() => 'stored');
  const failure = { code: 'LAKE_NO_CONDITIONAL_WRITES', message: expect.stringContaining('16 of 16') };
  await expect(prove(store)).rejects.toMatchObject(failure);
  expect(store.held.size).toBe(0);
});

test('a store that lets two of them win once is refused', async () => {
  const store = storeAnswering((put) => (put === 3 || put === 11 ? 'stored' : 'exists'));
  await expect(prove(store)).rejects.toMatchObject({ code: 'LAKE_NO_CONDITIONAL_WRITES' });
});

test('a winner whose answer was lost is no verdict: the race is run again', async () => {
  await prove(storeAnswering((put, taken) => (put < 16 || taken ? 'exists' : 'stored')));
});

test('a store that never lets anybody win is refused', async () => {
  await expect(prove(storeAnswering(() => 'exists'))).rejects.toMatchObject({ code: 'LAKE_NO_CONDITIONAL_WRITES' });
});

test('a store that fails is not called one without conditional writes', async () => {
  const store = storeAnswering(() => {
    throw new WalflowError('LAKE_UNREACHABLE', 'gone');
  });
  await expect(prove(store)).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' });
});
