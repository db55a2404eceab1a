// Queries of people and tools: one SELECT each, in a read-only transaction. Merges do not take turns with them and must not
// feel them: a query whose values could be of any size runs in a process of its own, all others under a watch.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { QueryLimits, QueryResult, QueryValue } from '../query.ts';
import type { Read } from '../read-order.ts';
import type { DuckDbOwner } from './client.ts';
import { answer } from './reading/answer.ts';
import { type QueryParts, queryParts } from './reading/growth.ts';
import { parseQuery } from './reading/parse.ts';
import { queryFailure } from './reading/query-failure.ts';
import { copyTables } from './reading/table-copy.ts';
import type { ReadWatch } from './reading/watch.ts';

/** A read that is not over by then waits for its turn among the long ones. */
const SHORT_MS = 200;

/** What a first, short try came to. */
type FirstTry =
  | { readonly tag: 'answered'; readonly result: QueryResult }
  | { readonly tag: 'too-long' }
  | { readonly tag: 'unbounded'; readonly parts: QueryParts };

/**
 * Runs one SELECT.
 * @param parameters for `$1`, `$2`, … or `?`: null, boolean, number, text
 * @throws WalflowError QUERY_NOT_READ_ONLY, QUERY_FORBIDDEN, QUERY_INVALID, QUERY_TIMEOUT, QUERY_TOO_LARGE, QUERY_BUSY
 */
export async function runQuery(
  owner: DuckDbOwner,
  sql: string,
  parameters: readonly QueryValue[],
  limits: QueryLimits,
): Promise<QueryResult> {
  const query = new Query(owner, { sql, parameters, limits }, limits);
  return await owner.readers.admit(() => query.run());
}

class Query {
  readonly #owner: DuckDbOwner;
  readonly #read: Read;
  readonly #signal: AbortSignal | undefined;
  readonly #deadlineMs: number;
  /** Aborts when the time is over, or the caller is gone. */
  readonly #over: AbortSignal;

  constructor(owner: DuckDbOwner, read: Read, { timeoutMs, signal }: QueryLimits) {
    this.#owner = owner;
    this.#read = read;
    this.#signal = signal;
    this.#deadlineMs = performance.now() + timeoutMs;
    const timeout = AbortSignal.timeout(timeoutMs);
    this.#over = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  }

  async run(): Promise<QueryResult> {
    const { readers } = this.#owner;
    try {
      const first = await readers.short(() => this.#firstTry(), this.#over);
      if (first.tag === 'answered') return first.result;
      const again = () => (first.tag === 'too-long' ? this.#longTry() : this.#apart(first.parts));
      return await readers.long(again, this.#over);
    } catch (failure) {
      if (failure instanceof WalflowError) throw failure;
      const why = this.#signal?.aborted ? 'gone' : 'time';
      throw queryFailure(failure, this.#over.aborted ? why : null);
    }
  }

  async #firstTry(): Promise<FirstTry> {
    const first = await this.#here(Math.min(SHORT_MS, this.#remainingMs()), async (connection, watch) => {
      const tree = await parseQuery(connection, this.#read.sql);
      const parts = queryParts(tree, await this.#owner.fixedSizeFunctions(), this.#read.parameters);
      if (parts.mayGrow) return { tag: 'unbounded' as const, parts };
      return { tag: 'answered' as const, result: await this.#answer(connection, watch) };
    });
    return first ?? { tag: 'too-long' };
  }

  async #longTry(): Promise<QueryResult> {
    const result = await this.#here(this.#remainingMs(), (connection, watch) => this.#answer(connection, watch));
    if (result === null) throw queryFailure(null, 'time');
    return result;
  }

  async #apart(parts: QueryParts): Promise<QueryResult> {
    const { reading, readers } = this.#owner;
    await mkdir(reading.folder, { recursive: true });
    const folder = await mkdtemp(join(reading.folder, 'read-'));
    try {
      const databasePath = join(folder, 'tables.duckdb');
      await copyTables(this.#owner, parts, databasePath, { remainingMs: this.#remainingMs(), signal: this.#signal });
      const order = { ...this.#read, ...readers.bounds, databasePath, spillFolder: join(folder, 'spill') };
      return await reading.apart(order, this.#over);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** In this process, for so long; null when the time was over first. */
  async #here<T>(ms: number, work: (connection: DuckDBConnection, watch: ReadWatch) => Promise<T>): Promise<T | null> {
    const connection = await this.#owner.connectReader();
    const options = { remainingMs: ms, signal: this.#signal };
    try {
      return await this.#owner.readers.watched(
        () => connection.interrupt(),
        options,
        async (watch) => {
          try {
            return await work(connection, watch);
          } catch (failure) {
            if (watch.ended === 'time') return null;
            throw queryFailure(failure, watch.ended);
          }
        },
      );
    } finally {
      connection.closeSync();
    }
  }

  async #answer(connection: DuckDBConnection, watch: ReadWatch): Promise<QueryResult> {
    const rows: QueryValue[][] = [];
    const columns = await answer(connection, this.#read, {
      rows: (more) => rows.push(...more),
      check: () => watch.check(),
    });
    return { columns, rows };
  }

  #remainingMs(): number {
    return this.#deadlineMs - performance.now();
  }
}
