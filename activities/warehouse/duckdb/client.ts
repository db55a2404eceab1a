// The owner of a DuckDB file (station 9 on a row's way). Opening takes the file's lock at once, so two owners never merge into
// one file. The instance may read only the given folders, and its settings are locked, so no statement can reach other files
// or the network.

import { mkdir, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { DuckDBInstance } from '@duckdb/node-api';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { ReadApart, ReadBounds } from '../read-order.ts';
import { Turnstile } from '../turnstile.ts';
import { prepareCatalog } from './catalog.ts';
import { failureClass, openFailure, warehouseFailure } from './failure.ts';
import { CATALOG, lockingStatements, openInstance } from './instance.ts';
import { engineUse, readBounds } from './reading/bounds.ts';
import { FIXED_SIZE_FUNCTIONS } from './reading/growth.ts';
import { Readers } from './reading/readers.ts';
import type { ReadView } from './reading/view-body.ts';
import { DuckDbSession } from './session.ts';

export interface DuckDbOptions {
  /** The database file; its folder exists. */
  readonly path: string;
  /** DuckDB `memory_limit`, e.g. `1GB`; what does not fit is spilled to `tempDirectory`. */
  readonly memoryLimit: string;
  readonly threads: number;
  readonly tempDirectory: string;
  /** The only folder that merges and comparisons may read from. */
  readonly spoolFolder: string;
  readonly readApart: ReadApart;
}

const CONCURRENT_STEPS = 2;
/** Rows in the write-ahead file take 1.5 times their size in memory: this leaves room for merges in the default limit. */
const LARGE_WAL_BYTES = 384 * 2 ** 20;
/** A small pipeline takes hours to write that much, and what is not folded is held in memory. */
const OLD_WAL = { bytes: 2 ** 20, ms: 2 * 60_000 };
/** At this size DuckDB itself checkpoints, inside a commit that then waits a second: a last resort. */
const CHECKPOINT_THRESHOLD = '1GB';
/** DuckDB would fill the disk to nine tenths: it is also the disk of the warehouse file, and of others. */
const SHARE_OF_DISK = 2;
/** A disk that is full at the start may have room later. */
const LEAST_SPILL_BYTES = 2 ** 30;
/** In the spool folder; a pipeline's name cannot begin with a dot. */
const READS_FOLDER = '.reads';

/** DuckDB's file lock does not apply inside one process: a second open here would corrupt the file. */
const openPaths = new Set<string>();

/** How reads are kept from hurting merges. */
interface OwnerReading {
  readonly bounds: ReadBounds;
  readonly apart: ReadApart;
  /** For reads in a process of their own; the engine may reach it. */
  readonly folder: string;
}

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
  /** One plan of a run at a time: two would plan the same. */
  readonly planning = new Turnstile(1);
  readonly readers: Readers;
  /** Those that exist, each after those that it reads. */
  views: readonly ReadView[] = [];
  readonly reading: Omit<OwnerReading, 'bounds'>;
  /** Rejects when DuckDB has given up the open database (WAREHOUSE_INVALIDATED): only a new process can open it again. */
  readonly invalidated: Promise<never>;
  #invalidate: (failure: WalflowError) => void = () => {};
  #nextMerge = Promise.withResolvers<void>();
  #fixedSize: Promise<ReadonlySet<string>> | null = null;
  #checkpointedMs = performance.now();

  constructor(instance: DuckDBInstance, path: string, { bounds, ...reading }: OwnerReading) {
    this.#instance = instance;
    this.#path = path;
    this.reading = reading;
    this.readers = new Readers({ bounds, use: () => this.use(engineUse) });
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

  /** One transaction, while nothing else is planned. */
  async plan<T>(work: (session: DuckDbSession) => Promise<T>): Promise<T> {
    return await this.planning.pass(() => this.use((session) => session.transaction(() => work(session))));
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

  /** Names of functions that return only values of a fixed size. */
  fixedSizeFunctions(): Promise<ReadonlySet<string>> {
    this.#fixedSize ??= this.use(async (session) => {
      const rows = await session.rows<{ name: string }>(FIXED_SIZE_FUNCTIONS);
      return new Set(rows.map(({ name }) => name));
    });
    return this.#fixedSize;
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

  /** Checkpoints if the write-ahead file has become large, or old. Call it between merges: readers go on meanwhile. */
  async checkpointWhenDue(nowMs: number): Promise<void> {
    // DuckDB removes the file with each checkpoint.
    const file = await stat(`${this.#path}.wal`).catch(() => null);
    const size = file?.size ?? 0;
    const isOld = size >= OLD_WAL.bytes && nowMs - this.#checkpointedMs >= OLD_WAL.ms;
    if (size >= LARGE_WAL_BYTES || isOld) await this.merging.pass(() => this.checkpoint());
  }

  /** Folds the write-ahead file into the database file; false when a running transaction prevents it. */
  async checkpoint(): Promise<boolean> {
    return await this.use(async (session) => {
      try {
        await session.run('checkpoint');
        this.#checkpointedMs = performance.now();
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
      this.steps.passAlone(() =>
        this.publishing.pass(() => this.planning.pass(async () => this.#instance.closeSync())),
      ),
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
    instance = await openFile(path, options);
    const bounds = await prepare(instance, options);
    const folder = join(resolve(options.spoolFolder), READS_FOLDER);
    return new DuckDbOwner(instance, path, { bounds, apart: options.readApart, folder });
  } catch (failure) {
    instance?.closeSync();
    openPaths.delete(path);
    throw failure;
  }
}

async function openFile(path: string, options: DuckDbOptions): Promise<DuckDBInstance> {
  await mkdir(options.tempDirectory, { recursive: true });
  const disk = await statfs(options.tempDirectory);
  const spillBytes = Math.max(LEAST_SPILL_BYTES, Math.floor((disk.bavail * disk.bsize) / SHARE_OF_DISK));
  const settings = {
    memory_limit: options.memoryLimit,
    threads: String(options.threads),
    temp_directory: options.tempDirectory,
    max_temp_directory_size: `${spillBytes} bytes`,
    checkpoint_threshold: CHECKPOINT_THRESHOLD,
    // A change file is read once and then removed: a cache would fill memory with such files.
    enable_external_file_cache: 'false',
    // Otherwise the allocator keeps what a statement freed, for each thread that ever ran one.
    allocator_background_threads: 'true',
    allocator_flush_threshold: '8MiB',
    allocator_bulk_deallocation_flush_threshold: '16MiB',
  };
  try {
    return await openInstance({ path, access: 'write', settings });
  } catch (failure) {
    throw openFailure(path, failure);
  }
}

/** Locks the engine, and brings walflow's own tables to this version. */
async function prepare(instance: DuckDBInstance, { spoolFolder }: DuckDbOptions): Promise<ReadBounds> {
  const session = new DuckDbSession(await instance.connect());
  session.queue(`use ${CATALOG}`);
  try {
    for (const statement of lockingStatements([spoolFolder])) await session.run(statement);
    await prepareCatalog(session);
    return await readBounds(session);
  } catch (failure) {
    throw warehouseFailure(failure);
  } finally {
    session.close();
  }
}
