import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TableState } from '../../activities/warehouse/table-status.ts';
import { waitReadable } from '../../workers/status/wait-readable.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import { NOTHING_MERGED } from '../../workflows/model/watermark.ts';

const { signal } = new AbortController();
const LIVE: readonly { table: string; state: TableState }[] = [{ table: 'public.orders', state: 'live' }];
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A pipeline that is merged to `end` of `epochNo`; every look at it takes a second, and others merge all the time. */
function pipeline(end: bigint, epochNo: number, headEpochNo: number) {
  const nudge = vi.fn(async () => true);
  const tables = async () => LIVE;
  const state = { end, epochNo, headEpochNo, nudge };
  const watermark = async () => {
    vi.advanceTimersByTime(1_000);
    return { ...NOTHING_MERGED, epochNo: state.epochNo, endLsn: lsnToHex(state.end) };
  };
  return {
    ...{ watermark, tables, nudge, state, nextMerge: Promise.resolve() },
    get reading() {
      return { headEpochNo: state.headEpochNo };
    },
  };
}

test('a nudge that fails or is lost is repeated while someone waits', async () => {
  const idle = pipeline(10n, 1, 1);
  idle.nudge.mockRejectedValueOnce(new Error('connection refused')).mockImplementationOnce(async () => true);
  idle.nudge.mockImplementationOnce(async () => {
    idle.state.end = 20n;
    return true;
  });
  expect(await waitReadable(idle, { lsn: 20n, tables: null, timeoutMs: 60_000 }, signal)).toEqual({
    reached: true,
    mergedLsn: lsnToHex(20n),
    notLive: [],
  });
  expect(idle.nudge).toHaveBeenCalledTimes(3);
});

test('a source that does not answer the nudge does not hold the waiter', async () => {
  const silent = pipeline(10n, 1, 1);
  silent.nudge.mockReturnValue(new Promise(() => {}));
  expect(await waitReadable(silent, { lsn: 20n, tables: null, timeoutMs: 5_000 }, signal)).toEqual({
    reached: false,
    mergedLsn: lsnToHex(10n),
    notLive: [],
  });
});

test('a larger position of an older epoch reaches nothing: the server was restored and counts again', async () => {
  const restored = pipeline(1_000n, 1, 2);
  expect(await waitReadable(restored, { lsn: 20n, tables: null, timeoutMs: 3_000 }, signal)).toMatchObject({
    reached: false,
  });
  restored.state.epochNo = 2;
  restored.state.end = 30n;
  expect(await waitReadable(restored, { lsn: 20n, tables: null, timeoutMs: 3_000 }, signal)).toEqual({
    reached: true,
    mergedLsn: lsnToHex(30n),
    notLive: [],
  });
});

test('a table that is no longer captured is waited for only by who names it', async () => {
  const tables = async () => [...LIVE, { table: 'public.old', state: 'detached' as const }];
  const merged = { ...pipeline(20n, 1, 1), tables, reading: { headEpochNo: 1 } };
  const wait = (asked: readonly string[] | null) =>
    waitReadable(merged, { lsn: 20n, tables: asked, timeoutMs: 2_000 }, signal);
  expect(await wait(null)).toMatchObject({ reached: true, notLive: [] });
  expect(await wait(['public.old'])).toMatchObject({ reached: false, notLive: ['public.old'] });
});

test('what is merged already is answered without a nudge', async () => {
  const merged = pipeline(20n, 1, 1);
  expect(await waitReadable(merged, { lsn: 20n, tables: null, timeoutMs: 60_000 }, signal)).toMatchObject({
    reached: true,
  });
  expect(merged.nudge).not.toHaveBeenCalled();
});

/** A pipeline whose merges are made by hand. */
function merging(end: bigint) {
  let next = Promise.withResolvers<void>();
  const state = { end, looks: 0 };
  return {
    state,
    reading: { headEpochNo: 1 },
    nudge: async () => true,
    tables: async () => LIVE,
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
  const waited = waitReadable(busy, { lsn: 30n, tables: null, timeoutMs: 60_000 }, signal);
  await vi.waitFor(() => expect(busy.state.looks).toBe(1));
  busy.merge(20n);
  await vi.waitFor(() => expect(busy.state.looks).toBe(2));
  busy.merge(30n);
  expect(await waited).toEqual({ reached: true, mergedLsn: lsnToHex(30n), notLive: [] });
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
  expect(await waitReadable(busy, { lsn: 20n, tables: null, timeoutMs: 60_000 }, signal)).toMatchObject({
    reached: true,
  });
  expect(busy.state.looks).toBe(2);
});

test('a waiter that goes away is let go', async () => {
  const idle = merging(10n);
  const gone = new AbortController();
  const waited = waitReadable(idle, { lsn: 20n, tables: null, timeoutMs: 60_000 }, gone.signal);
  await vi.waitFor(() => expect(idle.state.looks).toBe(1));
  gone.abort();
  expect(await waited).toEqual({ reached: false, mergedLsn: lsnToHex(10n), notLive: [] });
});

test('a position that the source has not written is answered at once', async () => {
  const idle = merging(10n);
  const nudge = vi.spyOn(idle, 'nudge').mockResolvedValue(false);
  const wish = { lsn: 0xffff_ffff_ffff_ffffn, tables: null, timeoutMs: 60_000 };
  expect(await waitReadable(idle, wish, signal)).toEqual({ reached: false, mergedLsn: lsnToHex(10n), notLive: [] });
  expect(nudge).toHaveBeenCalledOnce();
});

describe('tables that cannot be read', () => {
  const some = (states: Readonly<Record<string, TableState>>) => {
    const source = merging(20n);
    const tables = vi.spyOn(source, 'tables');
    const set = (now: Readonly<Record<string, TableState>>) =>
      tables.mockResolvedValue(Object.entries(now).map(([table, state]) => ({ table, state })));
    set(states);
    return { source, set };
  };
  const wish = { lsn: 20n, tables: null, timeoutMs: 0 };

  test('are named, and the position is not reached while there is one', async () => {
    const { source } = some({
      'public.b': 'loading',
      'public.a': 'paused',
      'public.c': 'live',
      'public.d': 'append-only',
    });
    const answer = { reached: false, mergedLsn: lsnToHex(20n), notLive: ['public.a', 'public.b'] };
    expect(await waitReadable(source, wish, signal)).toEqual(answer);
  });

  test('do not matter to whoever asks for others; one that is not known does', async () => {
    const { source } = some({ 'public.b': 'loading', 'public.c': 'live' });
    const asked = (...tables: string[]) => waitReadable(source, { ...wish, tables }, signal);
    expect(await asked('public.c')).toMatchObject({ reached: true, notLive: [] });
    expect(await asked('public.c', 'public.z')).toMatchObject({ reached: false, notLive: ['public.z'] });
  });

  test('are waited for, without a nudge for what is merged', async () => {
    const { source, set } = some({ 'public.b': 'loading' });
    const nudge = vi.spyOn(source, 'nudge');
    const waited = waitReadable(source, { ...wish, timeoutMs: 60_000 }, signal);
    await vi.waitFor(() => expect(source.state.looks).toBe(1));
    set({ 'public.b': 'live' });
    source.merge(20n);
    expect(await waited).toMatchObject({ reached: true, notLive: [] });
    expect(nudge).not.toHaveBeenCalled();
  });

  test('are all of them before the first merge', async () => {
    const { source } = some({});
    expect(await waitReadable(source, { ...wish, lsn: 0n }, signal)).toMatchObject({ reached: false });
  });
});
