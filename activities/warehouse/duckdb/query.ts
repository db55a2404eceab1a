// Queries of people and tools: one SELECT each, in a read-only transaction. Merges do not take turns with them and must not
// feel them: a query whose values could be of any size runs in a process of its own, all others under a watch.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ignored } from '../../../workflows/model/callback.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { QueryLimits, QueryResult, QueryValue } from '../query.ts';
import type { Read } from '../read-order.ts';
import type { DuckDbOwner } from './client.ts';
import { answer } from './reading/answer.ts';
import { type QueryParts, queryParts } from './reading/growth.ts';
import { parseQuery } from './reading/parse.ts';
import { queryFailure } from './reading/query-failure.ts';
import { copyTables } from './reading/table-copy.ts';
import { withViews } from './reading/view-body.ts';
import type { ReadWatch, WatchOptions } from './reading/watch.ts';

/** A read that takes longer, or more of the memory a read may take, waits for its turn among the long ones. */
const SHORT = { ms: 200, shareOfMemory: 1 / 4 };

/** What a turn came to. */
type Tried =
  | { readonly tag: 'answered'; readonly result: QueryResult }
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
      const first = await readers.short(() => this.#shortTry(), this.#over);
      if (first?.tag === 'answered') return first.result;
      return await readers.long(() => this.#longTry(first), this.#over);
    } catch (failure) {
      if (failure instanceof WalflowError) throw failure;
      const why = this.#signal?.aborted ? 'gone' : 'time';
      throw queryFailure(failure, this.#over.aborted ? why : null);
    }
  }

  /** Null when the turn was too short. */
  async #shortTry(): Promise<Tried | null> {
    const bounds = {
      remainingMs: Math.min(SHORT.ms, this.#remainingMs()),
      memoryBytes: SHORT.shareOfMemory * this.#owner.readers.bounds.memoryBytes,
    };
    return await this.#here(bounds, async (connection, watch) => {
      try {
        return await this.#try(connection, watch);
      } catch (failure) {
        if (watch.ended === 'time' || watch.ended === 'memory') return null;
        throw failure;
      }
    });
  }

  async #longTry(first: Exclude<Tried, { tag: 'answered' }> | null): Promise<QueryResult> {
    const { memoryBytes } = this.#owner.readers.bounds;
    const bounds = { remainingMs: this.#remainingMs(), memoryBytes };
    const tried = first ?? (await this.#here(bounds, (connection, watch) => this.#try(connection, watch)));
    return tried.tag === 'answered' ? tried.result : await this.#apart(tried.parts);
  }

  /**
   * ⚠ Each try examines the query: on a busy machine a turn can end before that is done, and names must mean in the guard what
   * they mean in the answer.
   */
  async #try(connection: DuckDBConnection, watch: ReadWatch): Promise<Tried> {
    const tree = await parseQuery(connection, this.#read.sql);
    const trees = withViews(tree, this.#owner.views);
    const parts = queryParts(trees, await this.#owner.fixedSizeFunctions(), this.#read.parameters);
    if (parts.mayGrow) return { tag: 'unbounded', parts };
    return { tag: 'answered', result: await this.#answer(connection, watch) };
  }

  async #apart(parts: QueryParts): Promise<QueryResult> {
    const { reading, readers } = this.#owner;
    await mkdir(reading.folder, { recursive: true });
    const folder = await mkdtemp(join(reading.folder, 'read-'));
    try {
      const readsTables = parts.tables.length > 0 || parts.readsCatalog;
      const databasePath = readsTables ? join(folder, 'tables.duckdb') : null;
      const options = { remainingMs: this.#remainingMs(), signal: this.#signal };
      if (databasePath !== null) await copyTables(this.#owner, parts, databasePath, options);
      const order = { ...this.#read, ...readers.bounds, databasePath, spillFolder: join(folder, 'spill') };
      return await reading.apart(order, this.#over);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** In this process, within bounds. */
  async #here<T>(
    bounds: Pick<WatchOptions, 'remainingMs' | 'memoryBytes'>,
    work: (connection: DuckDBConnection, watch: ReadWatch) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#owner.connectReader();
    try {
      return await this.#owner.readers.watched(
        () => connection.interrupt(),
        { ...bounds, signal: this.#signal },
        async (watch) => {
          try {
            return await work(connection, watch);
          } catch (failure) {
            throw queryFailure(failure, watch.ended);
          }
        },
      );
    } finally {
      // What an ended query holds takes long to free: by a statement it is done on a thread of the engine, not on this one.
      await connection.run('rollback').catch(ignored);
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
