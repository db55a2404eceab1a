// One connection to the warehouse: statements in, plain rows out. Settings are global and locked (instance.ts), so a session
// has no state besides its transaction and its temporary tables.

import type { DuckDBConnection, DuckDBMaterializedResult } from '@duckdb/node-api';

/** Positions and wide integers are passed as text and cast in SQL. */
type SqlParameter = string | number | boolean | null;

/** Values for `$1`, `$2`, …, or for `$name`. */
export type SqlParameters = readonly SqlParameter[] | Readonly<Record<string, SqlParameter>>;

export class DuckDbSession {
  readonly #connection: DuckDBConnection;
  #queued: string[] = [];

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
      await this.run('commit');
      return result;
    } catch (failure) {
      await this.#rollBack();
      throw failure;
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
