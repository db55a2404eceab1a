import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { IdleLanding } from '../../activities/landing/idle-landing.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An idle source whose log ends at `end`; a ping is answered at once, an empty manifest is stored at once. */
function idleSource(end: bigint) {
  const state = { end, durable: 10n, landed: 0, pings: 0 };
  const idle: IdleLanding = new IdleLanding({
    landing: {
      idleAt: (walEnd) => walEnd > state.durable,
      landEmpty: () => {
        state.landed += 1;
        state.durable = state.end;
      },
    },
    durableLsn: () => state.durable,
    ping: () => {
      state.pings += 1;
      idle.keepalive(state.end);
    },
    insertLsn: async () => state.end,
  });
  return { state, idle };
}

test('a nudge is served at once, by one empty manifest', async () => {
  const { state, idle } = idleSource(20n);
  idle.nudge(20n);
  await vi.advanceTimersByTimeAsync(5);
  expect(state).toMatchObject({ landed: 1, durable: 20n });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(state.landed).toBe(1);
  idle.close();
});

test('a position that the source has not written lands what there is, and is forgotten', async () => {
  const { state, idle } = idleSource(20n);
  idle.nudge(0xffff_ffff_ffff_ffffn);
  await vi.advanceTimersByTimeAsync(5);
  expect(state).toMatchObject({ landed: 1, durable: 20n });
  // Traffic that is not captured goes on: nobody waits for it.
  state.end = 30n;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(state.landed).toBe(1);
  idle.close();
});

test('many nudges cost an object every quarter of a second, and the last one is served', async () => {
  const { state, idle } = idleSource(20n);
  for (let i = 0; i < 1_000; i++) {
    state.end += 1n;
    idle.nudge(state.end);
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(state.landed).toBeLessThanOrEqual(5);
  await vi.advanceTimersByTimeAsync(300);
  expect(state.durable).toBe(state.end);
  idle.close();
});

test('a nudge that comes as the stream ends is left to the next one', async () => {
  const { state, idle } = idleSource(20n);
  idle.nudge(20n);
  idle.close();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(state).toMatchObject({ landed: 0, pings: 0 });
});
