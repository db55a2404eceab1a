// `walflow verify`: compares source and warehouse by value. The source's rows are read as PostgreSQL prints them and cast by
// the engine's own parser, so the comparison shares no code with a row's way. Under traffic the warehouse moves on meanwhile:
// a table that differs is read again, and only rows that differ every time count.

import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PipelineResources } from '../../activities/resources.ts';
import { matchTables } from '../../activities/wal/postgres/catalog.ts';
import { printRows } from '../../activities/wal/postgres/rows.ts';
import { openSource } from '../../activities/wal/postgres/source.ts';
import type { RowDifference, TableComparison } from '../../activities/warehouse/comparison.ts';
import type { TableStatus } from '../../activities/warehouse/table-status.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { Lsn } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import type { TableVerification, VerifyReport } from '../http/backend.ts';
import { type ScopedTable, verifyScope } from './verify-scope.ts';

const ATTEMPTS = 3;
/** How many differences are followed from one reading to the next. */
const COMPARED_LIMIT = 5_000;
const NAMED = 20;
const REACH_TIMEOUT_MS = 60_000;
const APPEND_ONLY = 'the table is append-only: updates and deletes of its source do not arrive';
/** A folder beside those of the pipelines, which merges clear: no pipeline can have this name. */
const SPOOL_NAME = '.verify';

export interface VerifyRequest {
  readonly pipeline: PipelineResources;
  readonly warehouse: Warehouse;
  /** The folder whose files the warehouse may read. */
  readonly spoolFolder: string;
  /** Null = every table of the pipeline. */
  readonly table: string | null;
  readonly signal: AbortSignal;
  /** The tables that the manifest log records as captured. */
  readonly captured: () => Promise<readonly string[]>;
  readonly reach: (lsn: Lsn, timeoutMs: number) => Promise<{ readonly reached: boolean }>;
  readonly mergedLsn: () => Promise<string>;
}

/**
 * Compares every table that the configuration captures, or one of them.
 * @throws WalflowError TABLE_UNKNOWN, VERIFY_BEHIND, and what the source and the warehouse throw.
 */
export async function verifyPipeline(request: VerifyRequest): Promise<VerifyReport> {
  const { pipeline } = request;
  const tables: TableVerification[] = [];
  for (const one of await scopeOf(request)) {
    request.signal.throwIfAborted();
    tables.push(one.tag === 'comparable' ? await verifyTable(request, one.status) : notCompared(one));
  }
  return { pipeline: pipeline.name, result: overall(tables), mergedLsn: await request.mergedLsn(), tables };
}

async function scopeOf(request: VerifyRequest): Promise<readonly ScopedTable[]> {
  const { pipeline, warehouse, table } = request;
  const source = await openSource(pipeline.source.url, `walflow ${pipeline.name} verify`);
  const { tables, obstacles } = await matchTables(source.connection, pipeline.source.tables).finally(() =>
    source.close(),
  );
  const scope = verifyScope({
    configured: pipeline.source,
    catalog: tables.map(({ captured }) => captured.table),
    obstacles: obstacles.map(({ message }) => message),
    captured: await request.captured(),
    warehouse: await warehouse.tables(pipeline.name),
  });
  if (table === null) return scope;
  const asked = scope.filter((one) => (one.tag === 'comparable' ? one.status.table : one.table) === table);
  if (asked.length > 0) return asked;
  throw new WalflowError('TABLE_UNKNOWN', `pipeline ${pipeline.name} has no table ${table}`);
}

const NOTHING_COMPARED = { rowsSource: 0, rowsWarehouse: 0, differing: [], differingCount: 0 } as const;

function notCompared({ table, reason }: Extract<ScopedTable, { tag: 'not-comparable' }>): TableVerification {
  return { ...NOTHING_COMPARED, table, keyColumns: [], result: 'not-comparable', reason };
}

/** Failures that concern one table: the others can still be compared. */
const CONCERNS_ONE_TABLE: ReadonlySet<string> = new Set([
  ...['SOURCE_TABLE_MISSING', 'SOURCE_PERMISSION_DENIED', 'SOURCE_ROW_SECURITY', 'SOURCE_REFUSED', 'VALUE_TOO_LARGE'],
]);

async function verifyTable(request: VerifyRequest, status: TableStatus): Promise<TableVerification> {
  const { entry } = status;
  const base = { ...NOTHING_COMPARED, table: entry.table, keyColumns: entry.keyColumns };
  // Only rows that differ every time count: others were on their way.
  let differing: readonly RowDifference[] | null = null;
  for (let attempt = 1; ; attempt++) {
    const compared = await compareOnce(request, status).catch(notComparable);
    if (compared.tag === 'not-comparable') return { ...base, result: 'not-comparable', reason: compared.reason };
    differing = differing === null ? compared.differing : inBoth(compared.differing, differing);
    const { rowsSource, rowsWarehouse } = compared;
    if (differing.length === 0) return { ...base, rowsSource, rowsWarehouse, result: 'equal' };
    if (attempt < ATTEMPTS) continue;
    // Beyond the limit rows are counted but not named, so they cannot be followed to the next reading.
    const differingCount = differing.length < COMPARED_LIMIT ? differing.length : compared.differingCount;
    return {
      ...base,
      ...(status.state === 'append-only' ? { reason: APPEND_ONLY } : {}),
      rowsSource,
      rowsWarehouse,
      result: 'differs',
      differing: differing.slice(0, NAMED),
      differingCount,
    };
  }
}

function notComparable(failure: unknown): TableComparison {
  if (!(failure instanceof WalflowError && CONCERNS_ONE_TABLE.has(failure.code))) throw failure;
  return { tag: 'not-comparable', reason: `${failure.message} (${failure.code})` };
}

function inBoth(now: readonly RowDifference[], before: readonly RowDifference[]): readonly RowDifference[] {
  const name = (one: RowDifference) => JSON.stringify(one.key);
  const known = new Set(before.map(name));
  return now.filter((one) => known.has(name(one)));
}

/** Compares one reading of the source with the warehouse, once that has merged everything the reading saw. */
async function compareOnce(request: VerifyRequest, { entry, place }: TableStatus): Promise<TableComparison> {
  const folder = join(request.spoolFolder, SPOOL_NAME, randomUUID());
  await mkdir(folder, { recursive: true });
  try {
    const { lsn, ...files } = await writeSnapshot(request.pipeline, entry, folder);
    const { reached } = await request.reach(lsn, REACH_TIMEOUT_MS);
    if (!reached)
      throw new WalflowError('VERIFY_BEHIND', `the warehouse did not merge what was read of ${entry.table} in time`);
    return await request.warehouse.compare({ table: entry, place, ...files, before: lsn, limit: COMPARED_LIMIT });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each table has a connection of its own: a failure that ends one does not affect the next. */
async function writeSnapshot(
  { name, source: { url, maxRowBytes } }: PipelineResources,
  entry: CaptureEntry,
  folder: string,
) {
  const csvPath = join(folder, 'rows.csv');
  const longRows: (string | null)[][] = [];
  const source = await openSource(url, `walflow ${name} verify`);
  // Not a stream: one that fails while it is not awaited, on a full disk, would end the process.
  const file = await open(csvPath, 'w');
  try {
    const lsn = await printRows(source, entry, maxRowBytes, {
      lines: (bytes) => file.appendFile(bytes),
      longRow: async (values) => {
        const paths = values.map((value, i) => (value === null ? null : join(folder, `${longRows.length}-${i}.txt`)));
        longRows.push(paths);
        for (const [i, path] of paths.entries()) if (path !== null) await writeFile(path, values[i] ?? '');
      },
    });
    return { lsn, csvPath, longRows };
  } finally {
    await file.close();
    await source.close();
  }
}

/** A table that could not be compared does not hide a difference; and without any comparison nothing is proven. */
function overall(tables: readonly TableVerification[]): VerifyReport['result'] {
  if (tables.some((table) => table.result === 'differs')) return 'differs';
  return tables.length > 0 && tables.every((table) => table.result === 'equal') ? 'equal' : 'not-comparable';
}
