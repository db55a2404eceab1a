// The comparison of a table in the warehouse with its source: request and result.

import type { Lsn } from '../../workflows/model/lsn.ts';
import type { CapturedTable, TableName } from '../../workflows/model/relation.ts';

export interface CompareOrder {
  readonly table: CapturedTable;
  /** Where the warehouse has its rows. */
  readonly place: TableName;
  /**
   * What the source printed: CSV of all columns in table order, as text, with UTC, ISO dates and hex bytea; NULL is empty, an
   * empty text is quoted. The file is in the warehouse's spool folder.
   */
  readonly csvPath: string;
  /** Rows that are too long for a line of it: for each column null, or the path of a file with the value's text. */
  readonly longRows: readonly (readonly (string | null)[])[];
  /** Rows from commits at or after this position are newer than what the source printed, and are left out. */
  readonly before: Lsn | null;
  /** How many differences to name; all are counted. */
  readonly limit: number;
}

export interface RowDifference {
  /** Values of the key columns as the engine's text; empty for a table without a key. */
  readonly key: readonly string[];
  /** Seen from the warehouse: a missing row, an extra one, other values. */
  readonly kind: 'missing' | 'extra' | 'different';
  readonly columns: readonly string[];
}

export type TableComparison =
  | {
      readonly tag: 'compared';
      readonly rowsSource: number;
      readonly rowsWarehouse: number;
      /** The first ones, by key. */
      readonly differing: readonly RowDifference[];
      readonly differingCount: number;
    }
  | { readonly tag: 'not-comparable'; readonly reason: string };
