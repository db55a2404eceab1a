// A replication slot in words a person acts on. Pure.

import type { SlotHealth, SlotState } from '../../activities/wal/slot-health.ts';
import { bytesText } from '../text/quantity.ts';

const MEANINGS = {
  ok: 'followed, WAL within bounds',
  idle: 'nobody reads it: the source keeps WAL for it until somebody does or it is dropped',
  extended: 'followed, but more than max_wal_size is kept for it',
  endangered: 'the next checkpoint may remove WAL it needs',
  lost: 'cannot be continued: run `walflow slot recreate`',
  missing: 'there is no such slot on the source',
} as const satisfies Record<SlotState, string>;

export function slotText(slot: string, health: SlotHealth): string {
  const { tag, lagBytes, retainedBytes, budgetBytes, reason } = health;
  const state = `slot ${slot}: ${tag} (${MEANINGS[tag]}${reason === undefined ? '' : `; ${reason}`})`;
  if (tag === 'missing') return state;
  const budget =
    budgetBytes === undefined
      ? 'no limit is set (max_slot_wal_keep_size = -1)'
      : `${bytesText(budgetBytes)} more may be written`;
  return [
    state,
    `  lag       ${bytesText(lagBytes)}`,
    `  retained  ${bytesText(retainedBytes)}`,
    `  budget    ${budget}`,
  ].join('\n');
}

/** What is left behind on the source when walflow stops, and how to take it away. */
export function leftBehindText(slot: string, health: SlotHealth, waysToDrop: readonly string[]): string {
  if (health.tag === 'missing') return `slot ${slot} is not on the source: nothing is kept there`;
  const retained = bytesText(health.retainedBytes);
  return `slot ${slot} stays on the source and keeps WAL while walflow is stopped: ${retained} now\n${dropText(waysToDrop)}`;
}

export function dropText(waysToDrop: readonly string[]): string {
  return waysToDrop.map((way, i) => `  ${i === 0 ? 'drop it with' : '          or'}   ${way}`).join('\n');
}
