// A table's rows as PostgreSQL prints them, for comparison: as one transaction sees them, in the server's own CSV, which is
// passed on unread. Memory is bounded whatever the size of the table or of a row.

import pg from 'pg';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { type Lsn, parseLsn } from '../../../workflows/model/lsn.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';
import { csvFields } from '../csv-row.ts';
import type { CopySink } from './copy-out.ts';
import { sqlName } from './publication.ts';
import type { Source } from './source.ts';

/** Takes the rows; a promise holds the server until it resolves. */
export interface PrintedRows {
  /** Whole lines of CSV: all columns in table order, NULL is empty, a value is quoted. */
  lines(bytes: Buffer): Promise<void>;
  /** A row that is too long for a reader of lines: the text of each value. */
  longRow(values: readonly (Buffer | null)[]): Promise<void>;
}

/** Enough at once to keep server and disk busy. */
const BLOCK_BYTES = 1024 * 1024;
/** From here on a row is long. */
const LONG_ROW_BYTES = 4 * 1024 * 1024;
/** A value that consists of quotes is twice as long in CSV. */
const CSV_GROWTH = 2;

/**
 * Reads all rows, in no particular order.
 * @returns a position at or after every commit the transaction saw: once merged up to it, the warehouse has seen them too.
 * @throws WalflowError VALUE_TOO_LARGE, SOURCE_TABLE_MISSING, SOURCE_PERMISSION_DENIED, …
 */
export async function printRows(
  source: Source,
  table: CapturedTable,
  maxRowBytes: number,
  printed: PrintedRows,
): Promise<Lsn> {
  return await source.connection.transaction('begin isolation level repeatable read read only', async (statements) => {
    const kinds = await statements.rows<{ partitioned: boolean }>(
      `select relkind = 'p' as partitioned from pg_class where oid = $1::oid`,
      [table.oid],
    );
    // The first statement has fixed what the transaction sees: all of it had its commit record written before this position.
    const { lsn } = await statements.row<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    const columns = table.columns.map((column) => pg.escapeIdentifier(column.name)).join(', ');
    // Children of an inheritance parent are tables of their own.
    const only = kinds[0]?.partitioned === true ? '' : 'only ';
    const text = `copy (select ${columns} from ${only}${sqlName(table)}) to stdout (format csv, force_quote *)`;
    const blocks = new Blocks(table, maxRowBytes * CSV_GROWTH, printed);
    await statements.copyOut(text, blocks);
    await blocks.flush();
    return parseLsn(lsn);
  });
}

class Blocks implements CopySink {
  readonly maxRowBytes: number;
  readonly #table: CapturedTable;
  readonly #printed: PrintedRows;
  readonly #lines: Buffer[] = [];
  #bytes = 0;

  constructor(table: CapturedTable, maxRowBytes: number, printed: PrintedRows) {
    this.#table = table;
    this.maxRowBytes = maxRowBytes;
    this.#printed = printed;
  }

  row(buffer: Buffer, start: number, end: number): Promise<void> | undefined {
    if (end - start >= LONG_ROW_BYTES) return this.#printed.longRow(csvFields(buffer, start, end - 1));
    this.#lines.push(Buffer.from(buffer.subarray(start, end)));
    this.#bytes += end - start;
    return this.#bytes >= BLOCK_BYTES ? this.flush() : undefined;
  }

  async flush(): Promise<void> {
    const lines = this.#lines.splice(0);
    this.#bytes = 0;
    if (lines.length > 0) await this.#printed.lines(Buffer.concat(lines));
  }

  largePiece(): void {}

  tooLarge(): WalflowError {
    return new WalflowError('VALUE_TOO_LARGE', `a row of ${this.#table.table} is larger than source.maxRowBytes`);
  }
}
