// A table's rows as PostgreSQL prints them, for comparison: as one transaction sees them, and through a cursor, so that
// memory stays bounded whatever the table's size.

import pg from 'pg';
import { type Lsn, parseLsn } from '../../../workflows/model/lsn.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';
import { RowCursor, type TextRow } from './cursor.ts';
import { sqlName } from './publication.ts';
import type { Source } from './source.ts';

/** The reader joins them to one text: a few megabytes are enough to keep server and disk busy. */
const BATCH = { maxRows: 20_000, maxBytes: 8 * 1024 * 1024 };

/**
 * Reads all rows, in no particular order.
 * @param onRows gets some rows at a time, values in the order of the table's columns; reading waits for it.
 * @returns a position at or after every commit the transaction saw: once merged up to it, the warehouse has seen them too.
 */
export async function readSnapshot(
  source: Source,
  table: CapturedTable,
  onRows: (rows: readonly TextRow[]) => Promise<void>,
): Promise<Lsn> {
  const columns = table.columns.map((column) => pg.escapeIdentifier(column.name)).join(', ');
  return await source.connection.transaction('begin isolation level repeatable read read only', async (statements) => {
    await statements.rows(`declare walflow_rows no scroll cursor for select ${columns} from ${sqlName(table)}`);
    // The cursor has fixed what the transaction sees: all of it had its commit record written before this position.
    const { lsn } = await statements.row<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    const cursor = new RowCursor(statements, 'walflow_rows');
    for (;;) {
      const { rows, ended } = await cursor.next(BATCH);
      if (rows.length > 0) await onRows(rows);
      if (ended) return parseLsn(lsn);
    }
  });
}
