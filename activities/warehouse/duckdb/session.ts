// One connection to the warehouse: statements in, plain rows out. Settings are global and locked (instance.ts), so a session
// has no state besides its transaction and its temporary tables.

import type { DuckDBConnection, DuckDBMaterializedResult } from '@duckdb/node-api';
import { ignored, safely } from '../../../workflows/model/callback.ts';

const INTERRUPT_MS = 100;

/** Positions and wide integers are passed as text and cast in SQL. */
type SqlParameter = string | number | boolean | null;

/** Values for `$1`, `$2`, …, or for `$name`. */
export type SqlParameters = readonly SqlParameter[] | Readonly<Record<string, SqlParameter>>;

export class DuckDbSession {
  readonly #connection: DuckDBConnection;
  #queued: string[] = [];
  #signal: AbortSignal | null = null;
  /** A transaction ends: nothing may interrupt that. */
  #ending = false;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** Runs one statement. @returns how many rows it changed */
  async run(sql: string, parameters?: SqlParameters): Promise<number> {
    const result = await this.#result(sql, parameters);
    return result.rowsChanged;
  }

  /**
   * Rows as objects by column name. BIGINT and wider integers, dates and decimals are text; the caller's type must match its
   * SELECT list.
   */
  async rows<Row>(sql: string, parameters?: SqlParameters): Promise<readonly Row[]> {
    const result = await this.#result(sql, parameters);
    return (await result.getRowObjectsJson()) as Row[];
  }

  /** A statement whose result is not needed: it runs before the next one that is awaited, in the same turn. */
  queue(sql: string): void {
    this.#queued.push(sql);
  }

  async runQueued(): Promise<void> {
    const last = this.#queued.pop();
    if (last !== undefined) await this.run(last);
  }

  /** Commits what `work` did, or rolls it back. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    this.queue('begin transaction');
    try {
      const result = await work();
      this.#signal?.throwIfAborted();
      this.#ending = true;
      await this.run('commit');
      return result;
    } catch (failure) {
      this.#ending = true;
      await this.#rollBack();
      throw failure;
    } finally {
      this.#ending = false;
    }
  }

  /**
   * Runs `work` until the signal aborts: then its statement is interrupted, and no other one begins. A transaction that has begun to
   * commit is not interrupted.
   */
  async until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.#signal = signal;
    // More than once: a statement that is only about to begin would not notice.
    const stop = setInterval(
      safely(() => {
        if (signal.aborted && !this.#ending) this.interrupt();
      }, ignored),
      INTERRUPT_MS,
    );
    try {
      return await work();
    } finally {
      clearInterval(stop);
      this.#signal = null;
    }
  }

  /** Ends the statement that runs now, if one does. */
  interrupt(): void {
    this.#connection.interrupt();
  }

  close(): void {
    this.#connection.closeSync();
  }

  /**
   * Of several statements DuckDB returns the result of the last. Without parameters it takes one turn of Node's thread pool
   * instead of three, which matters on a busy machine.
   */
  async #result(sql: string, parameters?: SqlParameters): Promise<DuckDBMaterializedResult> {
    if (!this.#ending) this.#signal?.throwIfAborted();
    const all = [...this.#queued, sql].join(';\n');
    this.#queued = [];
    if (parameters === undefined) return await this.#connection.run(all);
    return await this.#connection.run(all, isList(parameters) ? [...parameters] : { ...parameters });
  }

  /** May fail: a failed COMMIT has already ended the transaction, and the first failure is the one to report. */
  async #rollBack(): Promise<void> {
    this.#queued = [];
    try {
      await this.run('rollback');
    } catch {
      // Nothing is left to roll back.
    }
  }
}

/** `Array.isArray` does not narrow a read-only array. */
const isList = (parameters: SqlParameters): parameters is readonly SqlParameter[] => Array.isArray(parameters);
