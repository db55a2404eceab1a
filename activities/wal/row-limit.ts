// How large a row may be (`source.maxRowBytes`). A row is in memory as a whole several times over, in reader, encoder and
// warehouse: without a limit one value could end a process that carries all tables.

import type { CapturedTable } from '../../workflows/model/relation.ts';

/**
 * Why a row is not carried.
 * @param column number of the column with its largest value, which has so many bytes
 */
export function tooLargeReason({ table, columns }: CapturedTable, column: number, bytes: number): string {
  const name = columns[column]?.name ?? `column ${column + 1}`;
  return `${table}.${name} has a value of ${bytes} bytes, in a row larger than source.maxRowBytes`;
}
