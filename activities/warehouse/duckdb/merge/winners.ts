// The cheapest way to the winners of a table's changes. Most windows are small, and then planning a statement costs more than
// running it: so there are as few statements as possible, and checking whether a fold is needed costs more than the fold.

import type { DuckDbSession } from '../session.ts';
import { changeCount, type FoldInput, isSmall, isSparse, keysSql, unfoldedSql, winnersSql } from './fold-sql.ts';
import type { ChangeFile } from './local-plan.ts';

export interface Winners {
  /** FROM item with columns op, lsn, commit_time, unresolved, c0, c1, … */
  readonly relation: string;
  /** Statements that create the relation. */
  readonly before: readonly string[];
  /** Some may lack a value that the WAL did not carry. */
  readonly mayLack: boolean;
  /** The table has none of their keys yet. */
  readonly areNew: boolean;
  readonly isEmpty: boolean;
}

const FOLDED = 'temp.main._walflow_folded';

const NONE: Winners = { relation: '', before: [], mayLack: false, areNew: true, isEmpty: true };

export async function winnersOf(session: DuckDbSession, fold: FoldInput): Promise<Winners> {
  const { target, changeFiles } = fold;
  if (changeFiles.length === 0) return NONE;
  // In a keyed table a key that is inserted twice is deleted in between.
  const areNew = target.mode === 'append' || changeFiles.every(hasOnlyInserts);
  const mayLack = !areNew && isSparse(fold);
  if (areNew || (!mayLack && (await everyKeyOnce(session, fold)))) {
    return { relation: `(${unfoldedSql(fold)})`, before: [], mayLack, areNew, isEmpty: false };
  }
  const before = [`create or replace temp table ${FOLDED} as ${winnersSql(fold)}`];
  return { relation: FOLDED, before, mayLack, areNew, isEmpty: false };
}

/** Counting keys costs a tenth of a large fold. */
async function everyKeyOnce(session: DuckDbSession, fold: FoldInput): Promise<boolean> {
  if (isSmall(fold)) return changeCount(fold) === 1;
  const [row] = await session.rows<{ changes: string; keys: string }>(keysSql(fold));
  return row !== undefined && row.changes === row.keys;
}

function hasOnlyInserts({ file }: ChangeFile): boolean {
  return file.inserts === file.rows;
}
