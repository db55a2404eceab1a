// Something in the lake that cannot be read and belongs to one table pauses that table and nothing else.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { TablePauseOrder } from './merge-plan.ts';

const DAMAGE: ReadonlySet<string> = new Set(['DATA_FILE_DAMAGED', 'MANIFEST_UNREADABLE', 'MANIFEST_NEWER']);

/** Throws anything that is not damage: an unreachable store or a full disk concerns all tables, and is retried. */
export function damageOf(table: string, failure: unknown): TablePauseOrder {
  if (failure instanceof WalflowError && DAMAGE.has(failure.code)) {
    return { table, code: failure.code, reason: failure.message };
  }
  throw failure;
}
