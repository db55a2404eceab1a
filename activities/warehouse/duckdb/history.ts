// Keeps the tables of `_walflow` that grow with every merge and every run as small after a year as after a day.

import type { DuckDbOwner } from './client.ts';
import { FOLD_BACKFILLS, FOLD_LEDGER, FOLD_RECORDS, FOLD_RUNS, FOLD_TOUCHED } from './history-sql.ts';
import type { DuckDbSession } from './session.ts';

const MANY_TOUCHES = 50_000;

/** Folds what is old. Merges and readers go on; it writes no row that a merge writes. */
export async function foldHistory(owner: DuckDbOwner): Promise<void> {
  await owner.use(async (session) => {
    await inOneTransaction(session, FOLD_LEDGER);
    await inOneTransaction(session, FOLD_TOUCHED);
    await inOneTransaction(session, FOLD_RUNS);
    await inOneTransaction(session, FOLD_BACKFILLS);
    // A publish numbers records, and may take long: merges do not wait for it, the next fold will do.
    await owner.publishing.passIfFree(() => inOneTransaction(session, FOLD_RECORDS));
  });
}

/**
 * Folds touches alone once many have come: a change of a whole table touches all of its partitions with every merge.
 * @param before how many there were at the last look
 * @returns how many there are now
 */
export async function foldTouchesWhenMany(owner: DuckDbOwner, before: number): Promise<number> {
  return await owner.use(async (session) => {
    const count = async () => {
      const [row] = await session.rows<{ rows: string }>('select count(*) as rows from _walflow.touched');
      return Number(row?.rows ?? 0);
    };
    const rows = await count();
    if (rows - before < MANY_TOUCHES) return Math.min(rows, before);
    await inOneTransaction(session, FOLD_TOUCHED);
    return await count();
  });
}

async function inOneTransaction(session: DuckDbSession, statements: readonly string[]): Promise<void> {
  await session.transaction(async () => {
    for (const statement of statements) await session.run(statement);
  });
}
