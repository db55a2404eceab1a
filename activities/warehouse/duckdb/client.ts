// The owner of a DuckDB file (station 9 on a row's way). Opening takes the file's lock at once, so two owners never merge into
// one file. The instance may read only the given folders, and its settings are locked, so no statement can reach other files
// or the network.

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { Turnstile } from '../turnstile.ts';
import { prepareCatalog } from './catalog.ts';
import { failureClass, openFailure, warehouseFailure } from './failure.ts';
import { filePattern } from './file-sql.ts';
import { literal } from './identifier.ts';
import { DuckDbSession } from './session.ts';
import { decodeExactly } from './text-decoder.ts';

export interface DuckDbOptions {
  /** The database file; its folder exists. */
  readonly path: string;
  /** DuckDB `memory_limit`, e.g. `1GB`; what does not fit is spilled to `tempDirectory`. */
  readonly memoryLimit: string;
  readonly threads: number;
  readonly tempDirectory: string;
  /** The only folders that merges and comparisons may read from: the spool. */
  readonly readableFolders: readonly string[];
  /** How many user queries run at once. Each takes a thread of Node's pool (4, or UV_THREADPOOL_SIZE): keep it below that. */
  readonly concurrentReads: number;
}

const CONCURRENT_STEPS = 2;
/** Rows in the write-ahead file take 1.5 times their size in memory: this leaves room for merges in the default limit. */
const LARGE_WAL_BYTES = 384 * 2 ** 20;
/** At this size DuckDB itself checkpoints, inside a commit that then waits a second: a last resort. */
const CHECKPOINT_THRESHOLD = '1GB';

/**
 * The name of the attached file. By default it would be the file's own name, which could also be that of a schema. A schema
 * of PostgreSQL cannot begin with `pg_`.
 */
const CATALOG = 'pg_walflow';

/** DuckDB's file lock does not apply inside one process: a second open here would corrupt the file. */
const openPaths = new Set<string>();

/** The open warehouse: the first argument of functions in the other files here. */
export class DuckDbOwner {
  readonly #instance: DuckDBInstance;
  readonly #path: string;
  /** One merge at a time. */
  readonly merging = new Turnstile(1);
  /** Steps of assets: several, so that a slow one does not delay all others; few, so that memory is left for the merge. */
  readonly steps = new Turnstile(CONCURRENT_STEPS);
  /** One publish at a time: two of one asset would delete each other's rows. */
  readonly publishing = new Turnstile(1);
  readonly reading: Turnstile;
  /** Rejects when DuckDB has given up the open database (WAREHOUSE_INVALIDATED): only a new process can open it again. */
  readonly invalidated: Promise<never>;
  #invalidate: (failure: WalflowError) => void = () => {};
  #nextMerge = Promise.withResolvers<void>();

  constructor(instance: DuckDBInstance, path: string, concurrentReads: number) {
    this.#instance = instance;
    this.#path = path;
    this.reading = new Turnstile(concurrentReads);
    this.invalidated = new Promise((_, reject) => {
      this.#invalidate = reject;
    });
    this.invalidated.catch(() => {});
  }

  /** Runs `work` on a connection of its own; failures of DuckDB become a `WalflowError`. */
  async use<T>(work: (session: DuckDbSession) => Promise<T>): Promise<T> {
    const connection = await this.#instance.connect();
    const session = new DuckDbSession(connection);
    session.queue(`use ${CATALOG}`);
    try {
      return await work(session);
    } catch (failure) {
      const named = warehouseFailure(failure);
      if (named instanceof WalflowError && named.code === 'WAREHOUSE_INVALIDATED') this.#invalidate(named);
      throw named;
    } finally {
      session.close();
    }
  }

  /** A bare connection in a read-only transaction, for the query endpoint; the caller closes it. */
  async connectReader() {
    const connection = await this.#instance.connect();
    try {
      await connection.run(`use ${CATALOG}; begin transaction read only`);
      return connection;
    } catch (failure) {
      connection.closeSync();
      throw warehouseFailure(failure);
    }
  }

  /** Resolves when another window is merged, of any pipeline. Take it before reading a watermark. */
  get nextMerge(): Promise<void> {
    return this.#nextMerge.promise;
  }

  /** Wakes those who await `nextMerge`. */
  noteMerge(): void {
    const { resolve: wake } = this.#nextMerge;
    this.#nextMerge = Promise.withResolvers();
    wake();
  }

  /** Checkpoints if the write-ahead file has become large. Call it between merges: readers go on meanwhile. */
  async checkpointWhenLarge(): Promise<void> {
    // DuckDB removes the file with each checkpoint.
    const file = await stat(`${this.#path}.wal`).catch(() => null);
    if (file !== null && file.size >= LARGE_WAL_BYTES) await this.merging.pass(() => this.checkpoint());
  }

  /** Folds the write-ahead file into the database file; false when a running transaction prevents it. */
  async checkpoint(): Promise<boolean> {
    return await this.use(async (session) => {
      try {
        await session.run('checkpoint');
        return true;
      } catch (failure) {
        if (failureClass(failure) === 'TransactionContext') return false;
        throw failure;
      }
    });
  }

  /** Waits for a running merge and materializations, then releases the file. */
  async close(): Promise<void> {
    await this.merging.pass(() =>
      this.steps.passAlone(() => this.publishing.pass(async () => this.#instance.closeSync())),
    );
    openPaths.delete(this.#path);
  }
}

/**
 * Opens the warehouse file, or creates it.
 * @throws WalflowError WAREHOUSE_LOCKED, WAREHOUSE_UNREADABLE, WAREHOUSE_NEWER, WAREHOUSE_DISK_FULL
 */
export async function openDuckDb(options: DuckDbOptions): Promise<DuckDbOwner> {
  const path = resolve(options.path);
  if (openPaths.has(path)) throw new WalflowError('WAREHOUSE_LOCKED', `${path} is already open in this process`);
  openPaths.add(path);
  let instance: DuckDBInstance | null = null;
  try {
    instance = await openInstance(path, options);
    const owner = new DuckDbOwner(instance, path, options.concurrentReads);
    await owner.use(async (session) => {
      await lockDown(session, options.readableFolders);
      await prepareCatalog(session);
    });
    return owner;
  } catch (failure) {
    instance?.closeSync();
    openPaths.delete(path);
    throw failure;
  }
}

async function openInstance(path: string, options: DuckDbOptions): Promise<DuckDBInstance> {
  decodeExactly();
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: options.memoryLimit,
    threads: String(options.threads),
    temp_directory: options.tempDirectory,
    checkpoint_threshold: CHECKPOINT_THRESHOLD,
    // A change file is read once and then removed: a cache would fill memory with such files.
    enable_external_file_cache: 'false',
  });
  const connection = await instance.connect();
  try {
    await connection.run(`attach ${literal(path)} as ${CATALOG} (type duckdb)`);
    await connection.run(`use ${CATALOG}`);
    // The name of the initial database would be taken too. Every connection begins with `use`.
    await connection.run('detach memory');
    return instance;
  } catch (failure) {
    instance.closeSync();
    throw openFailure(path, failure);
  } finally {
    connection.closeSync();
  }
}

/** The order matters: once the configuration is locked, nothing can be set. */
async function lockDown(session: DuckDbSession, folders: readonly string[]): Promise<void> {
  const readable = folders.map((folder) => `${resolve(folder)}/`);
  // DuckDB checks both a file's pattern and its name.
  const allowed = [...readable, ...readable.map(filePattern)].map(literal).join(', ');
  await session.run(`set global TimeZone = 'UTC'`);
  await session.run(`set global allowed_directories = [${allowed}]`);
  await session.run('set global autoinstall_known_extensions = false');
  await session.run('set global autoload_known_extensions = false');
  await session.run('set global enable_external_access = false');
  await session.run('set global lock_configuration = true');
}
