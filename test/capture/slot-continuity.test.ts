import { describe, expect, it } from 'vitest';
import { assertContinues, type FoundServer } from '../../activities/capture/slot-continuity.ts';
import type { SlotRow } from '../../activities/wal/slot-health.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';

const END = 0x5000n;

const lake = {
  epoch: { systemIdentifier: '7', slot: 'walflow_shop', consistentPoint: lsnToHex(0x1000n) },
  timeline: 1,
  endLsn: lsnToHex(END),
};

const slot: SlotRow = {
  slot: 'walflow_shop',
  plugin: 'pgoutput',
  database: 'shop',
  active: false,
  activePid: null,
  walStatus: 'reserved',
  restartLsn: 0x3000n,
  confirmedFlushLsn: END,
  safeWalBytes: null,
  keepLimitBytes: null,
  invalidationReason: null,
  currentLsn: 0x9000n,
};

const found: FoundServer = {
  system: { systemIdentifier: '7', timeline: 1, flushLsn: 0x9000n, unencoded: false },
  timelineEnd: null,
  database: 'shop',
  slotName: 'walflow_shop',
  slot,
};

const onTimeline = (timeline: number, timelineEnd: bigint | null): FoundServer => ({
  ...found,
  system: { ...found.system, timeline },
  timelineEnd,
});

const code = (server: FoundServer): string | null => {
  try {
    assertContinues(lake, server);
    return null;
  } catch (failure) {
    return (failure as { code: string }).code;
  }
};

describe('a slot goes on where the lake ends', () => {
  it('when it was acknowledged up to there, or up to less: what is sent again is recognised', () => {
    expect(code(found)).toBeNull();
    expect(code({ ...found, slot: { ...slot, confirmedFlushLsn: 0x3000n } })).toBeNull();
    expect(code({ ...found, slot: { ...slot, confirmedFlushLsn: null } })).toBeNull();
  });

  it('after a promotion that shares everything up to the lake’s end', () => {
    expect(code(onTimeline(2, END))).toBeNull();
    expect(code(onTimeline(3, END + 1n))).toBeNull();
  });
});

describe('a slot does not go on', () => {
  it('on a timeline that left the lake’s before the lake’s end, or that does not descend from it', () => {
    expect(code(onTimeline(2, END - 1n))).toBe('SOURCE_FORKED');
    expect(code(onTimeline(2, null))).toBe('SOURCE_FORKED');
  });

  it('on another cluster', () => {
    expect(code({ ...found, system: { ...found.system, systemIdentifier: '8' } })).toBe('SOURCE_FORKED');
  });

  it('on a server that ends before the lake, with its slot or without', () => {
    const system = { ...found.system, flushLsn: END - 1n };
    expect(code({ ...found, system })).toBe('SOURCE_RESTORED');
    expect(code({ ...found, system, slot: null })).toBe('SOURCE_RESTORED');
  });

  it('when it is gone, lost, or of another program or database', () => {
    expect(code({ ...found, slot: null })).toBe('SLOT_MISSING');
    expect(code({ ...found, slot: { ...slot, walStatus: 'lost' } })).toBe('SLOT_LOST');
    expect(code({ ...found, slot: { ...slot, restartLsn: null } })).toBe('SLOT_LOST');
    expect(code({ ...found, slot: { ...slot, invalidationReason: 'wal_removed' } })).toBe('SLOT_LOST');
    expect(code({ ...found, slot: { ...slot, plugin: 'wal2json' } })).toBe('SLOT_FOREIGN');
    expect(code({ ...found, slot: { ...slot, database: 'other' } })).toBe('SLOT_FOREIGN');
  });

  it('when someone acknowledged more than the lake holds', () => {
    expect(code({ ...found, slot: { ...slot, confirmedFlushLsn: END + 1n } })).toBe('SLOT_GAP');
  });
});
