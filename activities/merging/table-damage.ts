// What cannot be read in the lake, and concerns one table only, pauses that table and nothing else.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { TablePauseOrder } from '../warehouse/merge-plan.ts';

const DAMAGE: ReadonlySet<string> = new Set(['DATA_FILE_DAMAGED', 'MANIFEST_UNREADABLE', 'MANIFEST_NEWER']);

/** Throws what is no damage: an unreachable store or a full disk is everybody's trouble, and is tried again. */
export function damageOf(table: string, failure: unknown): TablePauseOrder {
  if (failure instanceof WalflowError && DAMAGE.has(failure.code)) {
    return { table, code: failure.code, reason: failure.message };
  }
  throw failure;
}
