import { afterEach, expect, test, vi } from 'vitest';
import { SharedLook } from '../../workers/status/shared-look.ts';

/** Looks that end when the test says so. */
function heldLooks(sharedMs?: number) {
  const looks: PromiseWithResolvers<number>[] = [];
  const look = new SharedLook(() => {
    const held = Promise.withResolvers<number>();
    looks.push(held);
    return held.promise;
  }, sharedMs);
  return { look, looks };
}

afterEach(() => void vi.useRealTimers());

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('five hundred who ask at once cost two looks, and each sees one that began after its call', async () => {
  const { look, looks } = heldLooks();
  const first = look.see();
  const others = Array.from({ length: 500 }, () => look.see());
  expect(looks).toHaveLength(1);
  looks[0]?.resolve(1);
  expect(await first).toBe(1);
  await turn();
  expect(looks).toHaveLength(2);
  looks[1]?.resolve(2);
  expect(new Set(await Promise.all(others))).toEqual(new Set([2]));
  void look.see();
  expect(looks).toHaveLength(3);
});

test('a look that fails is told to those who shared it, and to nobody else', async () => {
  const { look, looks } = heldLooks();
  const [first, second] = [look.see(), look.see()];
  looks[0]?.reject(new Error('closed'));
  await expect(first).rejects.toThrow('closed');
  await turn();
  looks[1]?.resolve(2);
  expect(await second).toBe(2);
});

test('those who come together share one look, and who comes later does not', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { look, looks } = heldLooks(100);
  const together = [look.see()];
  vi.advanceTimersByTime(99);
  together.push(look.see());
  vi.advanceTimersByTime(1);
  const later = look.see();
  looks[0]?.resolve(1);
  expect(await Promise.all(together)).toEqual([1, 1]);
  await turn();
  looks[1]?.resolve(2);
  expect(await later).toBe(2);
});
