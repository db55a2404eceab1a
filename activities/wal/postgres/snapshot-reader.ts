// First copies. Keyed tables: chunks by key range, each its own short transaction, so nothing is held open at the source and
// finished chunks stay valid; changes at or after R0 beat their rows. Tables without a key: one exact snapshot of a
// temporary slot. Values are the text the server prints, under the same session settings as the stream's.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { type Lsn, parseLsn } from '../../../workflows/model/lsn.ts';
import {
  type CapturedTable,
  type Relation,
  sameShape,
  sameValues,
  type TableLayout,
} from '../../../workflows/model/relation.ts';
import { type Blocker, readBlockersBelow, takeHorizon } from './blockers.ts';
import { LAYOUT_SQL, LOGGED_COLUMNS_SQL } from './catalog.ts';
import { connect, type Statements } from './connection.ts';
import { type RowBounds, RowCursor, type TextRow } from './cursor.ts';
import { sqlName } from './publication.ts';
import type { Source } from './source.ts';

export interface Chunk {
  /** In key order. */
  readonly rows: readonly TextRow[];
  /** The table's end. Large rows make a chunk that is none smaller than asked for. */
  readonly last: boolean;
  /** Key of the last row, in key order: where the next chunk begins. Null when there are no rows. */
  readonly lastKey: readonly string[] | null;
  /** False: in this chunk's own transaction the table was another than the captured one; there are no rows. */
  readonly asCaptured: boolean;
}

interface WaitOptions {
  /** Called every few seconds with what is still waited for. */
  readonly onBlocked: (blockers: readonly Blocker[]) => void;
  readonly signal: AbortSignal;
}

/** A table as a transaction's own snapshot shows it. */
interface TableState extends Relation {
  readonly layout: TableLayout;
  /** Rewritten after the snapshot was taken: its rows are not what the snapshot should see. */
  readonly rewritten: boolean;
  readonly partitioned: boolean;
  /** SQL names of the columns' types. */
  readonly typeNames: Readonly<Record<string, string>>;
}

const POLL_MS = 50;
const BLOCKED_EVERY_MS = 5_000;
const CURSOR = 'walflow_copy';

/** pg_relation_filenode() looks at the catalog as it is now, the query at the snapshot's. */
const STATE_SQL = `
  select c.oid, n.nspname as schema, c.relname as name, c.relreplident as "replicaIdentity",
    ${LOGGED_COLUMNS_SQL} as columns, ${LAYOUT_SQL} as layout, c.relkind = 'p' as partitioned,
    exists (select from pg_class l
      where (l.oid = c.oid or l.oid in (select relid from pg_partition_tree(c.oid)))
        and l.relkind = 'r' and pg_relation_filenode(l.oid) is distinct from l.relfilenode) as rewritten,
    (select json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as "typeNames"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace`;

/**
 * Waits until every transaction of this database that runs now has ended for every later snapshot. Call it after R0 was
 * read: a transaction whose commit record lies before R0 can still be invisible to a snapshot taken after R0.
 */
export async function waitForTransactions(source: Source, { onBlocked, signal }: WaitOptions): Promise<void> {
  const horizon = await takeHorizon(source.connection);
  let tellAt = performance.now() + BLOCKED_EVERY_MS;
  for (;;) {
    signal.throwIfAborted();
    const blockers = await readBlockersBelow(source.connection, horizon);
    if (blockers.length === 0) return;
    if (performance.now() >= tellAt) {
      onBlocked(blockers);
      tellAt = performance.now() + BLOCKED_EVERY_MS;
    }
    await sleep(POLL_MS);
  }
}

/**
 * Reads the next rows behind a key. The table is locked against DDL first, so that what the catalog says and what the
 * rows are belong together.
 * @param after key values in key order; null = from the beginning.
 * @throws WalflowError SOURCE_TABLE_MISSING
 */
export async function readChunk(
  source: Source,
  table: CapturedTable,
  after: readonly string[] | null,
  bounds: RowBounds,
): Promise<Chunk> {
  return await source.connection.transaction('begin isolation level repeatable read read only', async (statements) => {
    const state = await lockAndRead(statements, table);
    if (!isCaptured(state, table)) return { rows: [], last: false, lastKey: null, asCaptured: false };
    const { partitioned, typeNames } = state;
    const key = table.keyColumns.map((name) => pg.escapeIdentifier(name));
    const casts = table.keyColumns.map((name, i) => `$${i + 1}::${typeNames[name]}`);
    const behind = after === null ? '' : ` where (${key.join(', ')}) > (${casts.join(', ')})`;
    // `using <` finds its operator by name just as `>` above does: both order alike, also for types from extensions.
    const order = key.map((column) => `${column} using <`).join(', ');
    // Read through a cursor, so that the rows can be counted in bytes; the limit tells the planner that few are wanted.
    const text = `${selectSql(table, partitioned)}${behind} order by ${order} limit ${bounds.maxRows}`;
    await statements.textRows(`declare ${CURSOR} no scroll cursor for ${text}`, after ?? []);
    const { rows, ended } = await new RowCursor(statements, CURSOR).next(bounds);
    return { rows, last: ended, lastKey: keyOfLast(table, rows), asCaptured: true };
  });
}

/**
 * Copies a table without a key in the one snapshot of a temporary slot.
 * @param onRows gets rows within `bounds` at a time, and the slot's consistent point; the next rows wait for it.
 * @returns the consistent point: a transaction is in the copy if its commit is before it, in the log otherwise.
 * @throws WalflowError TABLE_SHAPE_CHANGED, SOURCE_NO_FREE_SLOT, SOURCE_NO_FREE_WALSENDER, …
 */
export async function exactCopy(
  url: string,
  table: CapturedTable,
  bounds: RowBounds,
  onRows: (rows: readonly TextRow[], consistentPoint: Lsn) => Promise<void>,
): Promise<Lsn> {
  const walsender = await connect(url, `walflow copy ${table.table}`, true);
  const slot = `walflow_copy_${randomUUID().slice(0, 8)}`;
  try {
    const point = await walsender.transaction('begin isolation level repeatable read read only', async (statements) => {
      const created = await statements.row<{ consistent_point: string }>(
        `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'use')`,
      );
      const consistentPoint = parseLsn(created.consistent_point);
      const state = await lockAndRead(statements, table);
      if (state.rewritten || !isCaptured(state, table)) {
        throw new WalflowError('TABLE_SHAPE_CHANGED', `${table.table} was changed while its copy began`);
      }
      await statements.rows(`declare ${CURSOR} no scroll cursor for ${selectSql(table, state.partitioned)}`);
      const cursor = new RowCursor(statements, CURSOR);
      for (;;) {
        const { rows, ended } = await cursor.next(bounds);
        if (rows.length > 0) await onRows(rows, consistentPoint);
        if (ended) return consistentPoint;
      }
    });
    await walsender.rows(`DROP_REPLICATION_SLOT ${slot}`);
    return point;
  } finally {
    // A temporary slot goes with its connection.
    await walsender.close();
  }
}

async function lockAndRead(statements: Statements, table: CapturedTable): Promise<TableState> {
  // In readChunk this comes before the transaction has a snapshot: LOCK takes none.
  await statements.rows(`lock table ${sqlName(table)} in access share mode`);
  const where = `where n.nspname = ${pg.escapeLiteral(table.schema)} and c.relname = ${pg.escapeLiteral(table.name)}`;
  return await statements.row<TableState>(`${STATE_SQL} ${where}`);
}

function isCaptured(state: TableState, table: CapturedTable): boolean {
  return sameShape(state, table) && sameValues(table.layout, state.layout);
}

/** The columns the log carries, in its order. ONLY: a plain parent's children are tables of their own. */
function selectSql(table: CapturedTable, partitioned: boolean): string {
  const columns = table.columns.map((column) => pg.escapeIdentifier(column.name)).join(', ');
  return `select ${columns} from ${partitioned ? '' : 'only '}${sqlName(table)}`;
}

function keyOfLast(table: CapturedTable, rows: readonly TextRow[]): readonly string[] | null {
  const last = rows.at(-1);
  if (last === undefined) return null;
  return table.keyColumns.map((name) => last[table.columns.findIndex((column) => column.name === name)] ?? '');
}
