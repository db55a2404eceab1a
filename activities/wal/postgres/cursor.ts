// Rows of an open cursor, in portions that fit in memory whatever the size of a row: the driver holds the whole answer to
// a FETCH, so how many rows it asks for depends on how large the last ones were.

import type { Statements } from './connection.ts';

/** One row, values in the order of the table's columns. */
export type TextRow = readonly (string | null)[];

/** How much is held at once: at most so many rows, and about so many bytes; at least one row is always read. */
export interface RowBounds {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** Before any row is known: even rows of a megabyte each still fit. */
const FIRST_ROWS = 20;
/** Later rows can be much larger than those before; larger portions save too few round trips to risk that. */
const MOST_ROWS = 1_000;
/** What a value costs besides its characters: V8's string header and the pointer in the array. */
const VALUE_BYTES = 24;

export class RowCursor {
  readonly #statements: Statements;
  readonly #name: string;
  #rowBytes: number | null = null;

  /** @param name of a cursor declared in the transaction of `statements`. */
  constructor(statements: Statements, name: string) {
    this.#statements = statements;
    this.#name = name;
  }

  /** The next rows; `ended` = the cursor has no more. */
  async next({
    maxRows,
    maxBytes,
  }: RowBounds): Promise<{ readonly rows: readonly TextRow[]; readonly ended: boolean }> {
    const rows: TextRow[] = [];
    let bytes = 0;
    while (rows.length < maxRows && (rows.length === 0 || bytes < maxBytes)) {
      const count = Math.min(maxRows - rows.length, this.#fitting(maxBytes - bytes));
      const fetched = await this.#statements.textRows(`fetch ${count} from ${this.#name}`);
      const size = fetched.reduce((sum, row) => sum + sizeOf(row), 0);
      if (fetched.length > 0) this.#rowBytes = size / fetched.length;
      for (const row of fetched) rows.push(row);
      bytes += size;
      if (fetched.length < count) return { rows, ended: true };
    }
    return { rows, ended: false };
  }

  #fitting(bytes: number): number {
    if (this.#rowBytes === null) return FIRST_ROWS;
    return Math.min(MOST_ROWS, Math.max(1, Math.floor(bytes / this.#rowBytes)));
  }
}

/** Counts characters as bytes: bulk data is mostly ASCII, and the bound need not be exact. */
function sizeOf(row: TextRow): number {
  let bytes = row.length * VALUE_BYTES;
  for (const value of row) bytes += value?.length ?? 0;
  return bytes;
}
