import { describe, expect, it } from 'vitest';
import { SharedHistory } from '../../activities/landing/shared-history.ts';
import { isoFromMicros } from '../../workflows/model/commit-time.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';

const LAST = 0x2000n;
const END = 0x3000n;
const TIME_US = 1_700_000_000_000_000;
const lastCommit = { lsn: lsnToHex(LAST), xid: 700, time: isoFromMicros(TIME_US) };

/** The slot was acknowledged up to the last transaction: it must come again. */
const awaiting = () => new SharedHistory({ lastCommit, endLsn: END, resumeLsn: LAST });
/** The slot was acknowledged behind the last transaction: nothing recorded comes again. */
const settled = () => new SharedHistory({ lastCommit, endLsn: END, resumeLsn: LAST + 1n });
const FORKED = expect.objectContaining({ code: 'SOURCE_FORKED' });

describe('the same history', () => {
  it('is proven once the last recorded transaction came again and the lake’s end has passed', () => {
    const history = awaiting();
    history.passed(LAST);
    history.resent(LAST - 5n, 1, 1);
    history.resent(LAST, TIME_US, 700);
    history.passed(END - 1n);
    expect(history.proven).toBe(false);
    history.passed(END);
    expect(history.proven).toBe(true);
  });

  it('is proven by the end alone where nothing recorded has to come again', () => {
    const history = settled();
    history.passed(END);
    expect(history.proven).toBe(true);
    const fresh = new SharedHistory({ lastCommit: null, endLsn: END, resumeLsn: END });
    fresh.passed(END + 1n);
    expect(fresh.proven).toBe(true);
  });

  it('may send transactions the lake had no use for: of tables that were paused, or copied later', () => {
    const history = settled();
    history.resent(LAST + 5n, 1, 1);
    history.resentChange(LAST + 5n, 'public.orders', LAST + 6n);
    history.passed(END);
    expect(history.proven).toBe(true);
  });
});

describe('another history', () => {
  it('has another transaction where the lake recorded its last', () => {
    expect(() => awaiting().resent(LAST, TIME_US, 701)).toThrow(FORKED);
    expect(() => awaiting().resent(LAST, TIME_US + 1, 700)).toThrow(FORKED);
  });

  it('passes by that place without the transaction', () => {
    expect(() => awaiting().passed(END)).toThrow(FORKED);
    expect(() => awaiting().passed(LAST + 1n)).toThrow(FORKED);
    expect(() => awaiting().resent(LAST + 1n, 1, 1)).toThrow(FORKED);
  });

  it('changes a followed table where the lake knows of no change', () => {
    expect(() => settled().resentChange(LAST + 5n, 'public.orders', 0n)).toThrow(FORKED);
    settled().resentChange(LAST, 'public.orders', 0n);
  });
});
