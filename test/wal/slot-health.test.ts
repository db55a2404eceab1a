import { describe, expect, it } from 'vitest';
import { classifySlot, type SlotRow } from '../../activities/wal/slot-health.ts';

const HEALTHY: SlotRow = {
  slot: 'walflow_shop',
  plugin: 'pgoutput',
  database: 'shop',
  active: true,
  activePid: 42,
  walStatus: 'reserved',
  restartLsn: 1_000n,
  confirmedFlushLsn: 1_500n,
  safeWalBytes: null,
  keepLimitBytes: null,
  invalidationReason: null,
  currentLsn: 2_000n,
};

const tagOf = (change: Partial<SlotRow>) => classifySlot({ ...HEALTHY, ...change }).tag;

describe('classifySlot', () => {
  it('measures lag from the acknowledged position and retention from the oldest kept one', () => {
    expect(classifySlot(HEALTHY)).toEqual({
      tag: 'ok',
      active: true,
      walStatus: 'reserved',
      lagBytes: 500,
      retainedBytes: 1_000,
    });
  });

  it('tells the budget only where the server has one, and never a negative one', () => {
    const limited = { ...HEALTHY, keepLimitBytes: 9_000 };
    expect(classifySlot({ ...limited, safeWalBytes: 7_000 }).budgetBytes).toBe(7_000);
    expect(classifySlot({ ...limited, safeWalBytes: -5 }).budgetBytes).toBe(0);
    expect(classifySlot(HEALTHY)).not.toHaveProperty('budgetBytes');
  });

  it('tells the limit of a lost slot, for which the server knows no budget any more', () => {
    const lost = classifySlot({ ...HEALTHY, walStatus: 'lost', keepLimitBytes: 9_000, safeWalBytes: null });
    expect(lost).toMatchObject({ tag: 'lost', budgetBytes: 0, keepLimitBytes: 9_000 });
  });

  it('knows a missing slot', () => {
    expect(classifySlot(null)).toMatchObject({ tag: 'missing', active: false, lagBytes: 0, retainedBytes: 0 });
  });

  it.each<[string, Partial<SlotRow>]>([
    ['wal_status says so', { walStatus: 'lost' }],
    ['nothing is reserved any more', { restartLsn: null }],
    ['it was invalidated for idleness', { invalidationReason: 'idle_timeout', walStatus: 'reserved' }],
  ])('calls a slot lost when %s', (_, change) => {
    expect(tagOf({ ...change, active: false, activePid: null })).toBe('lost');
    expect(classifySlot({ ...HEALTHY, ...change }).walStatus).toBe('lost');
  });

  it('warns before the loss, also of a slot nobody reads', () => {
    expect(tagOf({ walStatus: 'unreserved' })).toBe('endangered');
    expect(tagOf({ walStatus: 'unreserved', active: false })).toBe('endangered');
    expect(tagOf({ walStatus: 'extended' })).toBe('extended');
    expect(tagOf({ active: false, activePid: null })).toBe('idle');
  });

  it('takes a position ahead of the log (just after a crash of the server) for no lag', () => {
    expect(classifySlot({ ...HEALTHY, confirmedFlushLsn: 3_000n }).lagBytes).toBe(0);
  });
});
