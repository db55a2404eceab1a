// Opens a warehouse by its kind: the only place in workers/ that knows the engines.

import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { Declaration } from '../activities/warehouse/declaration.ts';
import { declarationOf as duckDbDeclarationOf } from '../activities/warehouse/duckdb/assets/declaration.ts';
import { openDuckDb } from '../activities/warehouse/duckdb/client.ts';
import { answerApart as duckDbAnswer } from '../activities/warehouse/duckdb/reading/apart.ts';
import { seedColumns as duckDbSeedColumns } from '../activities/warehouse/duckdb/seed-columns.ts';
import { DuckDbWarehouse } from '../activities/warehouse/duckdb/warehouse.ts';
import type { QueryResult, QueryValue } from '../activities/warehouse/query.ts';
import type { ReadOrder } from '../activities/warehouse/read-order.ts';
import type { SeedColumn } from '../activities/warehouse/seed-column.ts';
import type { Warehouse } from '../activities/warehouse/warehouse.ts';
import type { LoadedSeed } from '../workflows/model/asset/definition.ts';
import type { DerivedAsset, ViewAsset } from '../workflows/model/asset/graph.ts';
import type { ResolvedDuckDb, ResolvedWarehouse } from './config/project.ts';
import { readApart } from './reader-process.ts';

/** @param home folder for what the engine keeps beside the warehouse: its spool, spilled memory */
export async function openWarehouse(warehouse: ResolvedWarehouse, home: string): Promise<Warehouse> {
  const spool = spoolFolder(home, warehouse.name);
  const opened = await openEngine(warehouse, home, spool);
  // Only now is the spool ours alone: what a killed owner left in it is of no use.
  rmSync(spool, { recursive: true, force: true });
  mkdirSync(spool, { recursive: true });
  return opened;
}

/** What a process that was started for one query does: rows as they come, then the columns. */
export async function answerApart(
  order: ReadOrder,
  rows: (rows: readonly QueryValue[][]) => void,
): Promise<QueryResult['columns']> {
  return await duckDbAnswer(order, rows);
}

/**
 * The columns of a seed, as the warehouse of the assets will find them.
 * @throws WalflowError ASSET_INVALID
 */
export async function seedColumns(
  { kind }: ResolvedWarehouse,
  key: string,
  seed: LoadedSeed,
): Promise<readonly SeedColumn[]> {
  switch (kind) {
    case 'duckdb':
      return await duckDbSeedColumns(key, seed);
  }
}

/** How assets of the configuration would be declared. */
export function declarationsOf(
  { kind }: ResolvedWarehouse,
  assets: readonly (DerivedAsset | ViewAsset)[],
): readonly Declaration[] {
  switch (kind) {
    case 'duckdb':
      return assets.map(duckDbDeclarationOf);
  }
}

/** The folder whose files a warehouse may read. */
export const spoolFolder = (home: string, name: string) => join(home, 'spool', name);

async function openEngine(warehouse: ResolvedWarehouse, home: string, spool: string): Promise<Warehouse> {
  switch (warehouse.kind) {
    case 'duckdb':
      return await openDuckDbFile(warehouse, home, spool);
  }
}

/**
 * DuckDB's calling thread spins while another one has the last task. A merge is seldom larger than one task, so on two cores
 * a second thread makes it no faster and costs half as much again.
 */
const defaultThreads = () => Math.max(1, availableParallelism() - 1);

async function openDuckDbFile(warehouse: ResolvedDuckDb, home: string, spool: string): Promise<Warehouse> {
  const tempDirectory = join(home, 'temp', warehouse.name);
  mkdirSync(dirname(warehouse.path), { recursive: true });
  mkdirSync(tempDirectory, { recursive: true });
  mkdirSync(spool, { recursive: true });
  const owner = await openDuckDb({
    path: warehouse.path,
    memoryLimit: warehouse.memoryLimit,
    threads: warehouse.threads ?? defaultThreads(),
    tempDirectory,
    spoolFolder: spool,
    readApart,
  });
  return new DuckDbWarehouse(owner);
}
