import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { waitMerged } from '../../workers/status/wait-merged.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import { NOTHING_MERGED } from '../../workflows/model/watermark.ts';

const { signal } = new AbortController();
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A pipeline that is merged to `end` of `epochNo`; every look at it takes a second, and others merge all the time. */
function pipeline(end: bigint, epochNo: number, headEpochNo: number) {
  const nudge = vi.fn(async () => {});
  const state = { end, epochNo, headEpochNo, nudge };
  const watermark = async () => {
    vi.advanceTimersByTime(1_000);
    return { ...NOTHING_MERGED, epochNo: state.epochNo, endLsn: lsnToHex(state.end) };
  };
  return {
    ...{ watermark, nudge, state, nextMerge: Promise.resolve() },
    get reading() {
      return { headEpochNo: state.headEpochNo };
    },
  };
}

test('a nudge that fails or is lost is repeated while somebody waits', async () => {
  const idle = pipeline(10n, 1, 1);
  idle.nudge.mockRejectedValueOnce(new Error('connection refused')).mockImplementationOnce(async () => {});
  idle.nudge.mockImplementationOnce(async () => {
    idle.state.end = 20n;
  });
  expect(await waitMerged(idle, 20n, 60_000, signal)).toEqual({ reached: true, mergedLsn: lsnToHex(20n) });
  expect(idle.nudge).toHaveBeenCalledTimes(3);
});

test('a source that does not answer the nudge does not hold the waiter', async () => {
  const silent = pipeline(10n, 1, 1);
  silent.nudge.mockReturnValue(new Promise(() => {}));
  expect(await waitMerged(silent, 20n, 5_000, signal)).toEqual({ reached: false, mergedLsn: lsnToHex(10n) });
});

test('a larger position of an older epoch reaches nothing: the server was restored and counts anew', async () => {
  const restored = pipeline(1_000n, 1, 2);
  expect(await waitMerged(restored, 20n, 3_000, signal)).toMatchObject({ reached: false });
  restored.state.epochNo = 2;
  restored.state.end = 30n;
  expect(await waitMerged(restored, 20n, 3_000, signal)).toEqual({ reached: true, mergedLsn: lsnToHex(30n) });
});

test('what is merged already is answered without a nudge', async () => {
  const merged = pipeline(20n, 1, 1);
  expect(await waitMerged(merged, 20n, 60_000, signal)).toMatchObject({ reached: true });
  expect(merged.nudge).not.toHaveBeenCalled();
});

/** A pipeline whose merges are made by hand. */
function merging(end: bigint) {
  let next = Promise.withResolvers<void>();
  const state = { end, looks: 0 };
  return {
    state,
    reading: { headEpochNo: 1 },
    nudge: async () => {},
    get nextMerge() {
      return next.promise;
    },
    async watermark() {
      state.looks += 1;
      return { ...NOTHING_MERGED, epochNo: 1, endLsn: lsnToHex(state.end) };
    },
    merge(to: bigint) {
      const { resolve } = next;
      next = Promise.withResolvers();
      state.end = to;
      resolve();
    },
  };
}

test('a merge wakes the waiter; nobody looks in between', async () => {
  const busy = merging(10n);
  const waited = waitMerged(busy, 30n, 60_000, signal);
  await vi.waitFor(() => expect(busy.state.looks).toBe(1));
  busy.merge(20n);
  await vi.waitFor(() => expect(busy.state.looks).toBe(2));
  busy.merge(30n);
  expect(await waited).toEqual({ reached: true, mergedLsn: lsnToHex(30n) });
  expect(busy.state.looks).toBe(3);
});

test('a merge that happens during the look is not missed', async () => {
  const busy = merging(10n);
  const look = busy.watermark;
  const awaited = vi.spyOn(busy, 'nextMerge', 'get');
  vi.spyOn(busy, 'watermark').mockImplementationOnce(async () => {
    // Asked for later, it would be the merge after this one.
    expect(awaited).toHaveBeenCalledOnce();
    const seen = await look();
    busy.merge(20n);
    return seen;
  });
  expect(await waitMerged(busy, 20n, 60_000, signal)).toMatchObject({ reached: true });
  expect(busy.state.looks).toBe(2);
});

test('a waiter that goes away is let go', async () => {
  const idle = merging(10n);
  const gone = new AbortController();
  const waited = waitMerged(idle, 20n, 60_000, gone.signal);
  await vi.waitFor(() => expect(idle.state.looks).toBe(1));
  gone.abort();
  expect(await waited).toEqual({ reached: false, mergedLsn: lsnToHex(10n) });
});
