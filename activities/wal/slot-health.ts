// The health of a replication slot, from one row of pg_replication_slots: a closed list of states and a pure classifier.
// Lag counts from confirmed_flush_lsn (what the lake lacks), retention from restart_lsn (what the source must keep).
// https://www.postgresql.org/docs/current/view-pg-replication-slots.html

import type { Lsn } from '../../workflows/model/lsn.ts';

/** One slot as the server describes it, with the current end of its WAL. */
export interface SlotRow {
  readonly slot: string;
  readonly plugin: string | null;
  readonly database: string | null;
  readonly active: boolean;
  /** Server process that holds the slot. */
  readonly activePid: number | null;
  /** 'reserved' | 'extended' | 'unreserved' | 'lost'; null when nothing was ever reserved. */
  readonly walStatus: string | null;
  readonly restartLsn: Lsn | null;
  readonly confirmedFlushLsn: Lsn | null;
  /** WAL that may still be written before the slot is in danger; null = no limit, and null for a slot that is lost. */
  readonly safeWalBytes: number | null;
  /** max_slot_wal_keep_size; null = no limit. */
  readonly keepLimitBytes: number | null;
  /** PostgreSQL 17 and later. */
  readonly invalidationReason: string | null;
  readonly currentLsn: Lsn;
}

/**
 * ok = being read, WAL within bounds · idle = not being read, WAL piles up · extended = retains more than
 * max_wal_size · endangered = the next checkpoint may remove WAL it needs · lost = cannot be continued ·
 * missing = no such slot.
 */
export type SlotState = 'ok' | 'idle' | 'extended' | 'endangered' | 'lost' | 'missing';

export interface SlotHealth {
  readonly tag: SlotState;
  readonly active: boolean;
  readonly walStatus: string;
  /** Bytes written since the last acknowledged position. */
  readonly lagBytes: number;
  /** Bytes of WAL the source keeps because of this slot. */
  readonly retainedBytes: number;
  /** Bytes that may still be written before the slot is in danger; absent = no limit is set. */
  readonly budgetBytes?: number;
  /** The most the server keeps for a slot (max_slot_wal_keep_size); absent = no limit is set. */
  readonly keepLimitBytes?: number;
  /** Why the slot was invalidated (PostgreSQL 17 and later). */
  readonly reason?: string;
}

/** Classifies a slot; null = the server has no slot of that name. */
export function classifySlot(row: SlotRow | null): SlotHealth {
  if (row === null) return { tag: 'missing', active: false, walStatus: 'missing', lagBytes: 0, retainedBytes: 0 };
  const tag = stateOf(row);
  const { keepLimitBytes } = row;
  return {
    tag,
    active: row.active,
    walStatus: tag === 'lost' ? 'lost' : (row.walStatus ?? 'reserved'),
    lagBytes: bytesBetween(row.confirmedFlushLsn, row.currentLsn),
    retainedBytes: bytesBetween(row.restartLsn, row.currentLsn),
    ...(keepLimitBytes === null ? {} : { budgetBytes: Math.max(0, row.safeWalBytes ?? 0), keepLimitBytes }),
    ...(row.invalidationReason === null ? {} : { reason: row.invalidationReason }),
  };
}

function stateOf(row: SlotRow): SlotState {
  // Any one of the three means lost: which of them is set depends on the version and the cause.
  if (row.walStatus === 'lost' || row.restartLsn === null || row.invalidationReason !== null) return 'lost';
  if (row.walStatus === 'unreserved') return 'endangered';
  if (!row.active) return 'idle';
  return row.walStatus === 'extended' ? 'extended' : 'ok';
}

function bytesBetween(from: Lsn | null, to: Lsn): number {
  return from === null || from > to ? 0 : Number(to - from);
}
