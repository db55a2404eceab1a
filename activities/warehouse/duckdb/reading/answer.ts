// One SELECT on a connection of its own: its rows as JSON values, within bounds on rows and bytes that hold before a value
// leaves the engine. Used by the owner of the warehouse and by a process that reads apart.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBPreparedStatement, DuckDBResult } from '@duckdb/node-api';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { QueryResult, QueryValue } from '../../query.ts';
import type { Read } from '../../read-order.ts';
import { jsonValue } from '../value.ts';
import { cellSizes } from './cell-size.ts';

/** What becomes of an answer's rows, and what ends it between two steps. */
export interface Reader {
  rows(rows: readonly QueryValue[][]): void;
  /** @throws what ends the read */
  check(): void;
}

/** For so long other requests may wait while values are converted. */
const LONGEST_TURN_MS = 10;

/** @throws WalflowError QUERY_INVALID, QUERY_TOO_LARGE; any failure of DuckDB */
export async function answer(
  connection: DuckDBConnection,
  read: Read,
  reader: Reader,
): Promise<QueryResult['columns']> {
  const statement = await connection.prepare(read.sql);
  try {
    bind(statement, read.parameters);
    const result = await statement.stream();
    try {
      await pass(result, read.limits, reader);
    } catch (failure) {
      await endStream(connection, result);
      throw failure;
    }
    return result.columnNames().map((name, i) => ({ name, type: typeName(result.columnType(i)) }));
  } finally {
    statement.destroySync();
  }
}

async function pass(result: DuckDBResult, limits: Read['limits'], reader: Reader): Promise<void> {
  const budget = { rows: limits.maxRows, bytes: limits.maxBytes };
  for (;;) {
    reader.check();
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) {
      // ⚠ After an interrupt a stream ends as if there were no more rows.
      reader.check();
      return;
    }
    budget.rows -= chunk.rowCount;
    if (budget.rows < 0) throw tooLarge(`more than ${limits.maxRows} rows`);
    reader.rows(await rowsOf(chunk, budget, limits, reader));
  }
}

async function rowsOf(
  chunk: DuckDBDataChunk,
  budget: { bytes: number },
  { maxBytes }: Read['limits'],
  reader: Reader,
): Promise<QueryValue[][]> {
  const columns = Array.from({ length: chunk.columnCount }, (_, i) => chunk.getColumnVector(i));
  const sizes = columns.map(cellSizes);
  const rows: QueryValue[][] = [];
  let turnMs = performance.now();
  for (let row = 0; row < chunk.rowCount; row += 1) {
    for (const size of sizes) budget.bytes -= size(row, budget.bytes);
    if (budget.bytes < 0) throw tooLarge(`more than ${maxBytes} bytes`);
    rows.push(columns.map((column) => jsonValue(column.getItem(row))));
    if (performance.now() - turnMs < LONGEST_TURN_MS) continue;
    await nextTurn();
    reader.check();
    turnMs = performance.now();
  }
  return rows;
}

/** A stream that is not read to its end keeps its memory, and the file open, until the garbage collector finds it. */
async function endStream(connection: DuckDBConnection, result: DuckDBResult): Promise<void> {
  for (;;) {
    connection.interrupt();
    const chunk = await result.fetchChunk().catch(() => null);
    if (chunk === null || chunk.rowCount === 0) return;
  }
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

const tooLarge = (what: string) => new WalflowError('QUERY_TOO_LARGE', `the answer has ${what}`);
