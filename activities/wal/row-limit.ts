// How large a row may be (`source.maxRowBytes`). Reader, encoder and warehouse each hold a whole row in memory: without a limit
// one value could end a process that serves all tables.

import type { CapturedTable } from '../../workflows/model/relation.ts';

/**
 * Why a row is not carried.
 * @param column number of the column with the largest value, which has so many bytes
 */
export function tooLargeReason({ table, columns }: CapturedTable, column: number, bytes: number): string {
  const name = columns[column]?.name ?? `column ${column + 1}`;
  return `${table}.${name} has a value of ${bytes} bytes, in a row larger than source.maxRowBytes`;
}
