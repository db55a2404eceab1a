// Queries of people and tools. A query is one SELECT, in a read-only transaction on a connection of its own, with limits on
// time, rows, bytes and on how many run at once. Merges do not take turns with queries, so queries never delay one.

import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBResult } from '@duckdb/node-api';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { QueryLimits, QueryResult, QueryValue } from '../query.ts';
import type { DuckDbOwner } from './client.ts';
import { failureClass, firstLine, isInterrupt, warehouseFailure } from './failure.ts';
import { folded } from './identifier.ts';
import { forbiddenPart, type IsTable, looksLikeFile } from './query-guard.ts';
import { jsonValue } from './value.ts';

/** The schema of a table that a query names without one. */
const DEFAULT_SCHEMA = 'main';
/** An interrupt between two steps of a query has no effect, so it is repeated until the query has ended. */
const INTERRUPT_EVERY_MS = 50;

/**
 * Runs one SELECT.
 * @param parameters for `$1`, `$2`, … or `?`: null, boolean, number, text
 * @throws WalflowError QUERY_NOT_READ_ONLY, QUERY_FORBIDDEN, QUERY_INVALID, QUERY_TIMEOUT, QUERY_TOO_LARGE
 */
export async function runQuery(
  owner: DuckDbOwner,
  sql: string,
  parameters: readonly QueryValue[],
  limits: QueryLimits,
): Promise<QueryResult> {
  const deadlineMs = performance.now() + limits.timeoutMs;
  return await owner.reading.pass(async () => {
    const connection = await owner.connectReader();
    const watch = new Watch(connection, deadlineMs - performance.now(), limits.signal);
    try {
      return await answer(connection, sql, parameters, { ...limits, watch });
    } catch (failure) {
      throw queryFailure(failure, limits, watch);
    } finally {
      watch.stop();
      connection.closeSync();
    }
  });
}

async function answer(
  connection: DuckDBConnection,
  sql: string,
  parameters: readonly QueryValue[],
  limits: QueryLimits & { readonly watch: Watch },
): Promise<QueryResult> {
  await assertReader(connection, sql);
  const statement = await connection.prepare(sql);
  bind(statement, parameters);
  const result = await statement.stream();
  try {
    const rows = await rowsOf(result, limits);
    const columns = result.columnNames().map((name, i) => ({ name, type: typeName(result.columnType(i)) }));
    return { columns, rows };
  } catch (failure) {
    await endStream(connection, result);
    throw failure;
  } finally {
    statement.destroySync();
  }
}

async function rowsOf(result: DuckDBResult, limits: QueryLimits & { readonly watch: Watch }): Promise<QueryValue[][]> {
  const rows: QueryValue[][] = [];
  let bytes = 0;
  for (;;) {
    limits.watch.check();
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return rows;
    for (const values of chunk.getRows()) {
      const row = values.map(jsonValue);
      bytes += row.reduce<number>((sum, value) => sum + sizeOf(value), 0);
      rows.push(row);
    }
    if (rows.length > limits.maxRows) throw tooLarge(`more than ${limits.maxRows} rows`);
    if (bytes > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes} bytes`);
  }
}

/** A stream that is not read to its end keeps its memory, and the file open, until the garbage collector finds it. */
async function endStream(connection: DuckDBConnection, result: DuckDBResult): Promise<void> {
  for (;;) {
    connection.interrupt();
    const chunk = await result.fetchChunk().catch(() => null);
    if (chunk === null || chunk.rowCount === 0) return;
  }
}

interface Parse {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly unknown[];
}

/** DuckDB serializes only SELECT: whatever has no parse tree is not a read. */
async function assertReader(connection: DuckDBConnection, sql: string): Promise<void> {
  const reader = await connection.runAndReadAll(
    'select json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true)',
    [sql],
  );
  const tree = JSON.parse(String(reader.getRows()[0]?.[0])) as Parse;
  if (tree.error && tree.error_type === 'parser')
    throw new WalflowError('QUERY_INVALID', tree.error_message ?? 'the SQL does not parse');
  if (tree.error) throw new WalflowError('QUERY_NOT_READ_ONLY', 'this statement is not a SELECT');
  if (tree.statements?.length !== 1) throw new WalflowError('QUERY_INVALID', 'a query is exactly one statement');
  if (forbiddenPart(tree.statements, () => false) === null) return;
  const forbidden = forbiddenPart(tree.statements, await tablesLikeFiles(connection));
  if (forbidden !== null) throw new WalflowError('QUERY_FORBIDDEN', `the query may not use this: ${forbidden}`);
}

/** A source's table may be called `a/b.csv`. Read in the transaction in which the query binds its names. */
async function tablesLikeFiles(connection: DuckDBConnection): Promise<IsTable> {
  const reader = await connection.runAndReadAll(
    `select schema_name, table_name from duckdb_tables() where database_name = current_database()`,
  );
  const tables = reader.getRows().map(([schema, name]) => ({ schema: String(schema), name: String(name) }));
  const known = new Set(tables.filter(looksLikeFile).map(folded));
  return (table) => known.has(folded(table.schema === '' ? { ...table, schema: DEFAULT_SCHEMA } : table));
}

function bind(statement: DuckDBPreparedStatement, parameters: readonly QueryValue[]): void {
  if (statement.parameterCount !== parameters.length) {
    const { parameterCount } = statement;
    throw new WalflowError(
      'QUERY_INVALID',
      `the query takes ${parameterCount} parameters and got ${parameters.length}`,
    );
  }
  parameters.forEach((value, i) => {
    if (value === null) statement.bindNull(i + 1);
    else if (typeof value === 'boolean') statement.bindBoolean(i + 1, value);
    else if (typeof value === 'string') statement.bindVarchar(i + 1, value);
    else if (typeof value !== 'number')
      throw new WalflowError('QUERY_INVALID', `parameter ${i + 1} is not null, boolean, number or text`);
    else if (Number.isSafeInteger(value)) statement.bindBigInt(i + 1, BigInt(value));
    else statement.bindDouble(i + 1, value);
  });
}

/** Types with a name of their own, such as `JSON`, by that name. */
const typeName = (type: { readonly alias?: string; toString(): string }) => type.alias ?? type.toString();

/** Approximate size of a value in the result; exact enough for a limit. */
function sizeOf(value: QueryValue): number {
  if (typeof value === 'string') return value.length + 3;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value).length;
  return 8;
}

const tooLarge = (what: string) => new WalflowError('QUERY_TOO_LARGE', `the answer has ${what}`);

/** Interrupts a query when its time is over, or when its answer is no longer needed. */
class Watch {
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #abort = () => this.#expire();
  #repeat: NodeJS.Timeout | null = null;

  constructor(connection: DuckDBConnection, remainingMs: number, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#signal = signal;
    this.#timer = setTimeout(this.#abort, Math.max(0, remainingMs));
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted || remainingMs <= 0) this.#expire();
  }

  get expired(): boolean {
    return this.#repeat !== null;
  }

  /** Ends a query that is between two steps. */
  check(): void {
    if (this.expired) throw new WalflowError('QUERY_TIMEOUT', 'the query was interrupted');
  }

  stop(): void {
    clearTimeout(this.#timer);
    if (this.#repeat !== null) clearInterval(this.#repeat);
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  #expire(): void {
    this.#repeat ??= setInterval(() => this.#connection.interrupt(), INTERRUPT_EVERY_MS);
    this.#connection.interrupt();
  }
}

/** The reader may see the data, so DuckDB's own message about the SQL is passed on. */
function queryFailure(failure: unknown, limits: QueryLimits, watch: Watch): WalflowError {
  if (watch.expired && (isInterrupt(failure) || failure instanceof WalflowError)) {
    return new WalflowError('QUERY_TIMEOUT', `the query was interrupted after ${limits.timeoutMs} ms`);
  }
  const kind = failureClass(failure);
  if (failure instanceof WalflowError || kind === 'unknown' || kind === 'IO' || kind === 'Out of Memory')
    return warehouseFailure(failure);
  if (kind === 'Permission') return new WalflowError('QUERY_FORBIDDEN', firstLine(failure), { cause: failure });
  if (kind === 'TransactionContext')
    return new WalflowError('QUERY_NOT_READ_ONLY', firstLine(failure), { cause: failure });
  return new WalflowError('QUERY_INVALID', firstLine(failure), { cause: failure });
}
