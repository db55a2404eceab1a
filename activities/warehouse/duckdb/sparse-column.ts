// A column that at least one change of the window did not carry (unchanged TOAST).

import { literal } from './identifier.ts';

export interface SparseColumn {
  /** c0, c1, … inside the fold. */
  readonly alias: string;
  /** Name in the source, as lists of unchanged columns have it. */
  readonly name: string;
}

/**
 * SQL: is the column's value in this change? The list is NULL when the log carried everything.
 * @param list the change's list of unchanged columns, qualified where several relations have one
 */
export function carries(column: SparseColumn, list = 'unchanged'): string {
  return `not coalesce(list_contains(${list}, ${literal(column.name)}), false)`;
}
