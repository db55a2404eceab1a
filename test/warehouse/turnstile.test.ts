import { expect, test } from 'vitest';
import { Turnstile } from '../../activities/warehouse/turnstile.ts';

test('at most so many are inside at once, in the order they came, whatever becomes of them', async () => {
  const turnstile = new Turnstile(2);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  const work = async (n: number) => {
    inside += 1;
    most = Math.max(most, inside);
    order.push(n);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    if (n % 2 === 0) throw new Error(`${n} failed`);
    return n;
  };
  const outcomes = await Promise.allSettled(Array.from({ length: 9 }, (_, n) => turnstile.pass(() => work(n))));
  expect(most).toBe(2);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(5);
  expect(await turnstile.pass(async () => 'free')).toBe('free');
});

test('alone means that nobody else is inside', async () => {
  const turnstile = new Turnstile(2);
  let inside = 0;
  const work = async () => {
    inside += 1;
    await new Promise((resolve) => setImmediate(resolve));
    const seen = inside;
    inside -= 1;
    return seen;
  };
  const pass = () => turnstile.pass(work);
  await expect(turnstile.passAlone(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const [, second, , alone] = await Promise.all([pass(), pass(), pass(), turnstile.passAlone(work), pass(), pass()]);
  expect([second, alone]).toEqual([2, 1]);
});

test('who waits no longer is let go, and takes nobody’s turn', async () => {
  const turnstile = new Turnstile(1);
  const { promise: held, resolve: leave } = Promise.withResolvers<void>();
  const first = turnstile.pass(() => held);
  const gone = new AbortController();
  const order: string[] = [];
  const second = turnstile.pass(async () => order.push('second'), gone.signal);
  const third = turnstile.pass(async () => order.push('third'), new AbortController().signal);
  gone.abort(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  await expect(turnstile.pass(async () => order.push('late'), gone.signal)).rejects.toThrow('gone');
  leave();
  await Promise.all([first, third]);
  expect(order).toEqual(['third']);
});
