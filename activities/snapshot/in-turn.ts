// Several snapshots, one after the other: what is wrong with one table is no reason to leave out the others.

import { type ErrorCode, WalflowError } from '../../workflows/model/errors.ts';
import type { PendingSnapshot, SnapshotResult } from '../../workflows/model/run.ts';

/** The next table would meet the same failure, perhaps after a long time. */
const CONCERNS_ALL: ReadonlySet<ErrorCode> = new Set([
  'LAKE_UNREACHABLE',
  'SNAPSHOT_WAITS',
  'SOURCE_LOGIN_FAILED',
  'SOURCE_TOO_MANY_CONNECTIONS',
  'SOURCE_UNREACHABLE',
]);

/**
 * @param take takes one snapshot
 * @throws the first failure of a table, after all others have had their turn
 */
export async function takeInTurn(
  tables: readonly PendingSnapshot[],
  signal: AbortSignal,
  take: (order: PendingSnapshot) => Promise<SnapshotResult>,
): Promise<SnapshotResult> {
  const failures: unknown[] = [];
  const total = { rows: 0, chunks: 0 };
  for (const order of tables) {
    try {
      const { rows, chunks } = await take(order);
      total.rows += rows;
      total.chunks += chunks;
    } catch (failure) {
      if (signal.aborted || concernsAll(failure)) throw failure;
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw failures[0];
  return { tag: 'copied', ...total };
}

function concernsAll(failure: unknown): boolean {
  return failure instanceof WalflowError && CONCERNS_ALL.has(failure.code);
}
