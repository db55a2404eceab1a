// Reads snapshots. Keyed tables: chunks by key range, each in a short transaction of its own, so nothing is held open at
// the source and finished chunks stay valid; changes at or after R0 beat their rows. Tables without a key: one exact
// snapshot from a temporary slot. Values are text as the server prints it, under the stream's session settings.

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
import { type Blocker, readBlockersBelow, takeHorizon, watchingBlockers } from './blockers.ts';
import { LAYOUT_SQL, LOGGED_COLUMNS_SQL } from './catalog.ts';
import { connect, type Statements } from './connection.ts';
import { type RowBounds, RowCursor, type TextRow } from './cursor.ts';
import { behindSql, type KeyOperators, keyOperatorsSql, orderSql } from './key-order.ts';
import { sqlName } from './publication.ts';
import type { Source } from './source.ts';

export interface Chunk {
  /** In key order. */
  readonly rows: readonly TextRow[];
  /** The table ends here. Not to be guessed from the number of rows: large rows make a chunk short. */
  readonly last: boolean;
  /** Key of the last row, in key order: where the next chunk begins. Null when there are no rows. */
  readonly lastKey: readonly string[] | null;
  /** False = in the chunk's own transaction the table was not as captured; there are no rows. */
  readonly asCaptured: boolean;
}

interface WaitOptions {
  /** Called every few seconds with the transactions that still run, and with none at the end. */
  readonly onBlocked: (blockers: readonly Blocker[]) => void;
  readonly signal: AbortSignal;
}

/** A table as one transaction sees it. */
interface TableState extends Relation {
  readonly layout: TableLayout;
  /** Rewritten since the transaction began: its rows are not what the transaction should see. */
  readonly rewritten: boolean;
  readonly partitioned: boolean;
  /** SQL names of the columns' types. */
  readonly typeNames: Readonly<Record<string, string>>;
  /** Null when no index has the captured key any more. */
  readonly keyOperators: readonly KeyOperators[] | null;
}

const POLL_MS = 50;
const BLOCKED_EVERY_MS = 5_000;
const CURSOR = 'walflow_snapshot';

/** pg_relation_filenode() sees the catalog as it is now, the rest of the query as it was when the transaction began. */
const stateSql = (table: CapturedTable) => `
  select c.oid, n.nspname as schema, c.relname as name, c.relreplident as "replicaIdentity",
    ${LOGGED_COLUMNS_SQL} as columns, ${LAYOUT_SQL} as layout, c.relkind = 'p' as partitioned,
    exists (select from pg_class l
      where (l.oid = c.oid or l.oid in (select relid from pg_partition_tree(c.oid)))
        and l.relkind = 'r' and pg_relation_filenode(l.oid) is distinct from l.relfilenode) as rewritten,
    (select json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as "typeNames",
    ${keyOperatorsSql(table)} as "keyOperators"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace`;

/**
 * Waits until every transaction of this database that runs now has ended, also as later transactions see it. Call it after
 * reading R0: a transaction whose commit record lies before R0 can still be invisible to one that begins after R0.
 */
export async function waitForTransactions(source: Source, { onBlocked, signal }: WaitOptions): Promise<void> {
  const horizon = await takeHorizon(source.connection);
  let tellAt = performance.now() + BLOCKED_EVERY_MS;
  for (;;) {
    signal.throwIfAborted();
    const blockers = await readBlockersBelow(source.connection, horizon);
    if (blockers.length === 0) return onBlocked([]);
    if (performance.now() >= tellAt) {
      onBlocked(blockers);
      tellAt = performance.now() + BLOCKED_EVERY_MS;
    }
    await sleep(POLL_MS);
  }
}

/**
 * Reads the rows that follow a key. The table is locked against DDL first, so that catalog and rows belong together.
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
    if (!isCaptured(state, table) || state.keyOperators === null) {
      return { rows: [], last: false, lastKey: null, asCaptured: false };
    }
    const { partitioned, typeNames, keyOperators } = state;
    const key = table.keyColumns.map((name) => pg.escapeIdentifier(name));
    const casts = table.keyColumns.map((name, i) => `$${i + 1}::${typeNames[name]}`);
    const behind = after === null ? '' : ` where ${behindSql(key, casts, keyOperators)}`;
    // A cursor lets the rows be counted in bytes; the limit lets the planner know that few are needed.
    const text = `${selectSql(table, partitioned)}${behind} order by ${orderSql(key, keyOperators)} limit ${bounds.maxRows}`;
    await statements.textRows(`declare ${CURSOR} no scroll cursor for ${text}`, after ?? []);
    const { rows, ended } = await new RowCursor(statements, CURSOR).next(bounds);
    return { rows, last: ended, lastKey: keyOfLast(table, rows), asCaptured: true };
  });
}

/**
 * Reads a table without a key as of the consistent point of a temporary slot.
 * @param onRows gets rows within `bounds` at a time, and the consistent point; reading waits for it.
 * @returns the consistent point: a transaction is in the snapshot if its commit is before it, else in the stream.
 * @throws WalflowError TABLE_SHAPE_CHANGED, SOURCE_NO_FREE_SLOT, SOURCE_NO_FREE_WALSENDER, …
 */
export async function exactSnapshot(
  url: string,
  table: CapturedTable,
  bounds: RowBounds,
  onRows: (rows: readonly TextRow[], consistentPoint: Lsn) => Promise<void>,
  onWaiting: (blockers: readonly Blocker[]) => void = () => {},
): Promise<Lsn> {
  const walsender = await connect(url, `walflow snapshot ${table.table}`, true);
  const slot = `walflow_snapshot_${randomUUID().slice(0, 8)}`;
  try {
    const copy = async (statements: Statements) => {
      const created = await statements.row<{ consistent_point: string }>(
        `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'use')`,
      );
      const consistentPoint = parseLsn(created.consistent_point);
      const state = await lockAndRead(statements, table);
      if (state.rewritten || !isCaptured(state, table)) {
        throw new WalflowError('TABLE_SHAPE_CHANGED', `${table.table} was altered while its snapshot began`);
      }
      await statements.rows(`declare ${CURSOR} no scroll cursor for ${selectSql(table, state.partitioned)}`);
      const cursor = new RowCursor(statements, CURSOR);
      for (;;) {
        const { rows, ended } = await cursor.next(bounds);
        if (rows.length > 0) await onRows(rows, consistentPoint);
        if (ended) return consistentPoint;
      }
    };
    const point = await watchingBlockers(url, walsender, onWaiting, () =>
      walsender.transaction('begin isolation level repeatable read read only', copy),
    );
    await walsender.rows(`DROP_REPLICATION_SLOT ${slot}`);
    return point;
  } finally {
    // A temporary slot ends with its connection.
    await walsender.close();
  }
}

async function lockAndRead(statements: Statements, table: CapturedTable): Promise<TableState> {
  // First, because LOCK does not fix yet what the transaction sees.
  await statements.rows(`lock table ${sqlName(table)} in access share mode`);
  const where = `where n.nspname = ${pg.escapeLiteral(table.schema)} and c.relname = ${pg.escapeLiteral(table.name)}`;
  return await statements.row<TableState>(`${stateSql(table)} ${where}`);
}

function isCaptured(state: TableState, table: CapturedTable): boolean {
  return sameShape(state, table) && sameValues(table.layout, state.layout);
}

/** The columns the WAL carries, in its order. ONLY, because children of an inheritance parent are tables of their own. */
function selectSql(table: CapturedTable, partitioned: boolean): string {
  const columns = table.columns.map((column) => pg.escapeIdentifier(column.name)).join(', ');
  return `select ${columns} from ${partitioned ? '' : 'only '}${sqlName(table)}`;
}

function keyOfLast(table: CapturedTable, rows: readonly TextRow[]): readonly string[] | null {
  const last = rows.at(-1);
  if (last === undefined) return null;
  return table.keyColumns.map((name) => last[table.columns.findIndex((column) => column.name === name)] ?? '');
}
