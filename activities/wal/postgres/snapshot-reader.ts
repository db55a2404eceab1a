// Reads snapshots. Keyed tables: chunks by key range, each in a short transaction of its own, so nothing is held open at the
// source and finished chunks stay valid; changes at or after R0 beat their rows. Tables without a key, and those whose rows
// move past the chunks: one exact snapshot from a temporary slot. Values are text as the server prints it, under the stream's
// session settings.

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
import { emptyTuple, type Tuple } from '../../../workflows/model/tuple.ts';
import { LargeCopyRow, layOutCopyRow, textsOf } from '../copy-row.ts';
import { tooLargeReason } from '../row-limit.ts';
import { type Blocker, readBlockersBelow, takeHorizon, watchingBlockers } from './blockers.ts';
import { LAYOUT_SQL, LOGGED_COLUMNS_SQL } from './catalog.ts';
import { connect, type Statements } from './connection.ts';
import type { CopySink } from './copy-out.ts';
import { behindSql, type KeyOperators, keyOperatorsSql, orderSql, upToSql } from './key-order.ts';
import { sqlName } from './publication.ts';
import type { Source } from './source.ts';

/** Bounds of what is held at once. */
export interface ChunkBounds {
  readonly maxRows: number;
  /** Approximate; at least one row is always read. */
  readonly maxBytes: number;
  /** Limit for one row, as PostgreSQL prints it. */
  readonly maxRowBytes: number;
  /**
   * Read exactly the rows up to this key, in whatever order they lie: in key order each would cost a page. Null or absent = as
   * many as fit, in key order.
   */
  readonly upTo?: readonly string[] | null;
}

export interface Chunk {
  readonly rows: number;
  readonly bytes: number;
  /** The table ends here. */
  readonly last: boolean;
  /** Key of the last row, in key order: the next chunk begins after it. Null without a row, and of one that overflowed. */
  readonly lastKey: readonly string[] | null;
  /** Up to the given key there are far more rows than fit: those that were taken are of no use. */
  readonly overflowed: boolean;
  /** False = in the chunk's own transaction the table was not as captured; there are no rows. */
  readonly asCaptured: boolean;
  /** The chunk ended by its bytes, which ends the connection: the next chunk needs another one. */
  readonly connectionEnded: boolean;
}

/** Takes one row; its fields are valid until the call returns. */
export type TakeRow = (row: Tuple) => void;

/** Takes the rows of an exact snapshot. */
export interface SnapshotRows {
  /** Called once, before the first row. */
  readonly begin: (consistentPoint: Lsn) => void;
  readonly take: TakeRow;
  /** Called after each portion of rows within the bounds; the server waits for it. */
  readonly cut: () => Promise<void>;
}

interface WaitOptions {
  /** Called every few seconds with the transactions that still run, and with none at the end. */
  readonly onBlocked: (blockers: readonly Blocker[]) => void;
  readonly signal: AbortSignal;
}

/** A table as one transaction sees it. */
export interface SnapshotTable extends Relation {
  readonly layout: TableLayout;
  /** Rewritten since the transaction began: its rows are not what the transaction should see. */
  readonly rewritten: boolean;
  readonly partitioned: boolean;
  /** SQL names of the columns' types. */
  readonly typeNames: Readonly<Record<string, string>>;
  /** Null when no index has the captured key. */
  readonly keyOperators: readonly KeyOperators[] | null;
}

const POLL_MS = 50;
const BLOCKED_EVERY_MS = 5_000;
/** A chunk up to a given key may be larger than planned, by this factor. */
const OVERFLOW = 2;
/** Enough to remember every page of a chunk; with less PostgreSQL reads whole pages of rows again to find a few. */
const WORK_MEM_SQL = `set local work_mem = '16MB'`;
export const SNAPSHOT_SQL = 'begin isolation level repeatable read read only';

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
  for (;;) {
    const blockers = await runningBelow(source, horizon, BLOCKED_EVERY_MS, signal);
    onBlocked(blockers);
    if (blockers.length === 0) return;
  }
}

/**
 * The transactions of this database from before `horizon` that still run after so long; none as soon as all have ended.
 * @param horizon taken after reading R0, by `takeHorizon`.
 */
export async function runningBelow(
  source: Source,
  horizon: string,
  patienceMs: number,
  signal: AbortSignal,
): Promise<readonly Blocker[]> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    signal.throwIfAborted();
    const blockers = await readBlockersBelow(source.connection, horizon);
    if (blockers.length === 0 || performance.now() >= untilMs) return blockers;
    await sleep(POLL_MS);
  }
}

/**
 * Reads the rows that follow a key. The table is locked against DDL first, so that catalog and rows belong together.
 * @param after key values in key order; null = from the beginning.
 * @throws WalflowError SOURCE_TABLE_MISSING, VALUE_TOO_LARGE; and what `take` throws, which ends the connection.
 */
export async function readChunk(
  source: Source,
  table: CapturedTable,
  after: readonly string[] | null,
  bounds: ChunkBounds,
  take: TakeRow,
): Promise<Chunk> {
  const { maxRows, maxBytes, upTo = null } = bounds;
  const rows = new RowReader(table, bounds, take);
  const inOrder = (): 'stop' | undefined => {
    if (rows.count === maxRows || rows.bytes >= maxBytes) rows.noteKey();
    // Only by bytes: at the limit of rows the server ends by itself.
    return rows.bytes >= maxBytes && rows.count < maxRows ? 'stop' : undefined;
  };
  const upToKey = () => (rows.bytes >= maxBytes || rows.count > maxRows * OVERFLOW ? 'stop' : undefined);
  const limit = upTo === null ? inOrder : upToKey;
  const ended = await source.connection.transaction(SNAPSHOT_SQL, async (statements) => {
    const state = await lockAndRead(statements, table);
    if (!isCaptured(state, table) || state.keyOperators === null) return 'altered';
    if (upTo !== null) await statements.rows(WORK_MEM_SQL);
    return await statements.copyOut(`copy (${chunkSql(table, state, after, bounds)}) to stdout`, {
      ...rows.sink,
      row: (buffer, start, end) => {
        rows.take(buffer, start, end);
        return limit();
      },
    });
  });
  const { count, bytes } = rows;
  const [whole, stopped] = [ended === 'ended', ended === 'stopped'];
  return {
    ...{ rows: count, bytes, asCaptured: ended !== 'altered', connectionEnded: stopped },
    last: whole && upTo === null && count < maxRows,
    lastKey: whole && upTo !== null ? upTo : rows.lastKey,
    overflowed: stopped && upTo !== null,
  };
}

/**
 * Reads a table in one transaction, as of the consistent point of a temporary slot.
 * @returns the consistent point: a transaction is in the snapshot if its commit is before it, else in the stream.
 * @throws WalflowError TABLE_SHAPE_CHANGED, VALUE_TOO_LARGE, SOURCE_NO_FREE_SLOT, SOURCE_NO_FREE_WALSENDER, …
 */
export async function exactSnapshot(
  url: string,
  table: CapturedTable,
  bounds: ChunkBounds,
  { begin, take, cut }: SnapshotRows,
  onWaiting: (blockers: readonly Blocker[]) => void = () => {},
): Promise<Lsn> {
  const walsender = await connect(url, `walflow snapshot ${table.table}`, true);
  const slot = `walflow_snapshot_${randomUUID().slice(0, 8)}`;
  try {
    const read = async (statements: Statements) => {
      const created = await statements.row<{ consistent_point: string }>(
        `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'use')`,
      );
      const consistentPoint = parseLsn(created.consistent_point);
      const state = await lockAndRead(statements, table);
      if (state.rewritten || !isCaptured(state, table)) {
        throw new WalflowError('TABLE_SHAPE_CHANGED', `${table.table} was altered while its snapshot began`);
      }
      begin(consistentPoint);
      const rows = new RowReader(table, bounds, take);
      await statements.copyOut(`copy (${selectSql(table, state.partitioned)}) to stdout`, {
        ...rows.sink,
        row: (buffer, start, end) => {
          rows.take(buffer, start, end);
          if (rows.count < bounds.maxRows && rows.bytes < bounds.maxBytes) return undefined;
          rows.restart();
          return cut();
        },
      });
      if (rows.count > 0) await cut();
      return consistentPoint;
    };
    const point = await watchingBlockers(url, walsender, onWaiting, () => walsender.transaction(SNAPSHOT_SQL, read));
    await walsender.rows(`DROP_REPLICATION_SLOT ${slot}`);
    return point;
  } finally {
    // A temporary slot ends with its connection.
    await walsender.close();
  }
}

/** Lays out rows and counts them. */
class RowReader {
  readonly sink: Omit<CopySink, 'row'>;
  readonly #table: CapturedTable;
  readonly #take: TakeRow;
  readonly #row: Tuple;
  count = 0;
  bytes = 0;
  lastKey: readonly string[] | null = null;

  constructor(table: CapturedTable, { maxRowBytes }: ChunkBounds, take: TakeRow) {
    this.#table = table;
    this.#take = take;
    this.#row = emptyTuple(table.columns.length);
    const large = new LargeCopyRow();
    this.sink = {
      maxRowBytes,
      largePiece: (buffer, start, end) => large.push(buffer, start, end),
      tooLarge: () => {
        const { column, bytes } = large.largest;
        return new WalflowError('VALUE_TOO_LARGE', tooLargeReason(table, column, bytes));
      },
    };
  }

  take(buffer: Buffer, start: number, end: number): void {
    layOutCopyRow(buffer, start, end, this.#row);
    this.#take(this.#row);
    this.count += 1;
    this.bytes += end - start;
  }

  /** Remembers the key of the row that is being taken. */
  noteKey(): void {
    const texts = textsOf(this.#row);
    const { columns, keyColumns } = this.#table;
    this.lastKey = keyColumns.map((name) => texts[columns.findIndex((column) => column.name === name)] ?? '');
  }

  restart(): void {
    this.count = 0;
    this.bytes = 0;
  }
}

/** The limit also lets the planner know that few rows are needed. */
function chunkSql(
  table: CapturedTable,
  state: SnapshotTable,
  after: readonly string[] | null,
  { maxRows, upTo = null }: ChunkBounds,
): string {
  const rows = `${selectSql(table, state.partitioned)} where ${afterSql(table, state, after)}`;
  const operators = state.keyOperators ?? [];
  const key = keySql(table);
  if (upTo !== null) return `${rows} and ${upToSql(key, keyValuesSql(table, state, upTo), operators)}`;
  return `${rows} order by ${orderSql(key, operators)} limit ${maxRows}`;
}

/** Key columns, as SQL names. */
export const keySql = ({ keyColumns }: CapturedTable) => keyColumns.map((name) => pg.escapeIdentifier(name));

/** Condition for the rows after a key. */
export function afterSql(table: CapturedTable, state: SnapshotTable, after: readonly string[] | null): string {
  if (after === null) return 'true';
  return behindSql(keySql(table), keyValuesSql(table, state, after), state.keyOperators ?? []);
}

/** COPY takes no parameters. */
function keyValuesSql({ keyColumns }: CapturedTable, { typeNames }: SnapshotTable, key: readonly string[]): string[] {
  return key.map((value, i) => `${pg.escapeLiteral(value)}::${typeNames[keyColumns[i] ?? '']}`);
}

export async function lockAndRead(statements: Statements, table: CapturedTable): Promise<SnapshotTable> {
  // First, because LOCK does not fix yet what the transaction sees.
  await statements.rows(`lock table ${sqlName(table)} in access share mode`);
  const where = `where n.nspname = ${pg.escapeLiteral(table.schema)} and c.relname = ${pg.escapeLiteral(table.name)}`;
  return await statements.row<SnapshotTable>(`${stateSql(table)} ${where}`);
}

export function isCaptured(state: SnapshotTable, table: CapturedTable): boolean {
  return sameShape(state, table) && sameValues(table.layout, state.layout);
}

/** The columns the WAL carries, in its order. */
function selectSql(table: CapturedTable, partitioned: boolean): string {
  const columns = table.columns.map((column) => pg.escapeIdentifier(column.name)).join(', ');
  return `select ${columns} from ${rowsOf(table, partitioned)}`;
}

/** ONLY, because children of an inheritance parent are tables of their own. */
export const rowsOf = (table: CapturedTable, partitioned: boolean) => `${partitioned ? '' : 'only '}${sqlName(table)}`;
