// Describes a replication slot in words that an operator can act on. Pure.

import type { SlotHealth, SlotState } from '../../activities/wal/slot-health.ts';
import { bytesText } from '../text/quantity.ts';

/** As Postgres prints the setting. */
const MEBIBYTE = 1024 * 1024;

const MEANINGS = {
  ok: 'being read, WAL within bounds',
  idle: 'not being read: the source keeps WAL for it until it is read again or dropped',
  extended: 'being read, but the source keeps more than max_wal_size for it',
  endangered: 'the next checkpoint may remove WAL it needs',
  lost: 'cannot be continued: run `walflow slot recreate`',
  missing: 'there is no such slot on the source',
} as const satisfies Record<SlotState, string>;

export function slotText(slot: string, health: SlotHealth): string {
  const { tag, lagBytes, retainedBytes, reason } = health;
  const state = `slot ${slot}: ${tag} (${MEANINGS[tag]}${reason === undefined ? '' : `; ${reason}`})`;
  if (tag === 'missing') return state;
  return [
    state,
    `  lag       ${bytesText(lagBytes)}`,
    `  retained  ${bytesText(retainedBytes)}`,
    `  budget    ${budgetText(health)}`,
  ].join('\n');
}

function budgetText({ tag, budgetBytes, keepLimitBytes }: SlotHealth): string {
  if (budgetBytes === undefined || keepLimitBytes === undefined) {
    return 'no limit is set (max_slot_wal_keep_size = -1)';
  }
  const left = tag === 'lost' ? 'none is left' : `${bytesText(budgetBytes)} more may be written`;
  return `${left} (max_slot_wal_keep_size = ${keepLimitBytes / MEBIBYTE}MB)`;
}

/** What stays on the source when walflow stops, and how to remove it. */
export function leftBehindText(slot: string, health: SlotHealth, waysToDrop: readonly string[]): string {
  if (health.tag === 'missing') return `the source has no slot ${slot}: it keeps no WAL`;
  if (health.tag === 'lost') return `slot ${slot} is lost: no WAL is kept for it any more\n${dropText(waysToDrop)}`;
  const retained = bytesText(health.retainedBytes);
  return `slot ${slot} stays on the source and keeps WAL while walflow is stopped: ${retained} now\n${dropText(waysToDrop)}`;
}

/** What is not known to be the pipeline's own: no way to drop it is given. */
export function foreignText(slot: string): string {
  return `slot ${slot} on the source is not this pipeline's: it is left alone`;
}

function dropText(waysToDrop: readonly string[]): string {
  return waysToDrop.map((way, i) => `  ${i === 0 ? 'drop it with' : '          or'}   ${way}`).join('\n');
}
