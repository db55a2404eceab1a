import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { waitMerged } from '../../workers/wait-merged.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import { NOTHING_MERGED } from '../../workflows/model/watermark.ts';

const { signal } = new AbortController();
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A pipeline that is merged to `end` of `epochNo`; every look at it takes a second. */
function pipeline(end: bigint, epochNo: number, headEpochNo: number) {
  const nudge = vi.fn(async () => {});
  const state = { end, epochNo, headEpochNo, nudge };
  const watermark = async () => {
    vi.advanceTimersByTime(1_000);
    return { ...NOTHING_MERGED, epochNo: state.epochNo, endLsn: lsnToHex(state.end) };
  };
  return {
    ...{ watermark, nudge, state },
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
