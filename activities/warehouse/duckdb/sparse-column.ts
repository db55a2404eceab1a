// A column that at least one change of the window did not carry (unchanged TOAST).

import { literal } from './identifier.ts';

export interface SparseColumn {
  /** c0, c1, … inside the fold. */
  readonly alias: string;
  /** Name in the source, as in lists of unchanged columns. */
  readonly name: string;
}

/**
 * SQL: does this change carry the column's value? The list is NULL when all values are carried.
 * @param list the change's list of unchanged columns, qualified if several relations have one
 */
export function carries(column: SparseColumn, list = 'unchanged'): string {
  return `not coalesce(list_contains(${list}, ${literal(column.name)}), false)`;
}
