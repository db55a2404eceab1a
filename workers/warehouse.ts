// The warehouse worker: owns the project's warehouse files, merges into them, recomputes assets, answers the HTTP API.
// A file's lock is taken before its task queue is polled: work is never taken that could not be done.

import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { createWarehouseActivities } from '../activities/index.ts';
import type { PipelineResources, WarehouseTelemetry } from '../activities/resources.ts';
import { assetInputs } from '../activities/warehouse/duckdb/assets/asset-sql.ts';
import { declareAssets } from '../activities/warehouse/duckdb/assets/assets.ts';
import { type DuckDbOwner, openDuckDb } from '../activities/warehouse/duckdb/client.ts';
import { warehouseQueue } from '../workflows/model/names.ts';
import type { ResolvedWarehouse } from './config/project.ts';
import { openPipelines } from './pipeline-resources.ts';
import { createWorker } from './temporal/connection.ts';
import { startAutomation, startMerge } from './temporal/entity-workflow.ts';
import {
  ASSET_WAREHOUSE,
  openWorkerBase,
  runUntilAborted,
  type WorkerBase,
  type WorkerOptions,
} from './worker-process.ts';

/** Node's thread pool has four threads; merges need one of them. */
const CONCURRENT_READS = 3;

export interface WarehouseWorkerOptions extends WorkerOptions {
  /** Folder for change files and DuckDB's spill files. */
  readonly home: string;
  readonly telemetry: WarehouseTelemetry;
}

/** The opened parts, for whoever serves them over HTTP. */
export interface OpenWarehouses {
  readonly base: WorkerBase;
  readonly owners: ReadonlyMap<string, DuckDbOwner>;
  readonly pipelines: ReadonlyMap<string, PipelineResources>;
  /** The folder whose files a warehouse may read. */
  readonly spoolFolder: (warehouse: string) => string;
}

/** Opens every warehouse, runs `serve` beside the workers, and closes all when the signal aborts. */
export async function runWarehouseWorker(
  options: WarehouseWorkerOptions,
  serve: (opened: OpenWarehouses) => Promise<{ close(): Promise<void> }>,
): Promise<void> {
  const { project } = options;
  const owners = new Map<string, DuckDbOwner>();
  try {
    for (const warehouse of project.warehouses.values())
      owners.set(warehouse.name, await open(warehouse, options.home));
    const base = await openWorkerBase(options);
    const opened = {
      ...{ base, owners, pipelines: openPipelines(project) },
      spoolFolder: (name: string) => spoolFolder(options.home, name),
    };
    await declareProjectAssets(options, opened);
    const server = await serve(opened);
    try {
      const running = [...owners.keys()].map((name) => runOne(name, opened, options));
      await Promise.all(running);
    } finally {
      await server.close();
      base.doorbell.close();
      await base.client.connection.close();
    }
  } finally {
    for (const owner of owners.values()) await owner.close();
  }
}

async function runOne(name: string, opened: OpenWarehouses, options: WarehouseWorkerOptions): Promise<void> {
  const { base, owners, pipelines } = opened;
  const { project, temporal, log, telemetry, signal } = options;
  const warehouse = owners.get(name);
  if (warehouse === undefined) return;
  const { worker, connection } = await createWorker(temporal, {
    taskQueue: warehouseQueue(name),
    activities: createWarehouseActivities({
      pipelines,
      warehouse,
      assets: project.assets,
      spoolFolder: spoolFolder(options.home, name),
      doorbell: base.doorbell,
      log,
      telemetry,
    }),
  });
  for (const input of base.pipelines.values()) if (input.warehouse === name) await startMerge(base.client, input);
  if (name === ASSET_WAREHOUSE && project.assets.length > 0) {
    await startAutomation(base.client, base.automation);
    // What was declared or merged before this process lived may be due: look once.
    base.doorbell.changed();
  }
  try {
    await Promise.race([runUntilAborted([worker], signal), warehouse.invalidated]);
  } finally {
    await connection.close();
  }
}

/** A new asset, or one whose code changed, is due as a whole from now on. */
async function declareProjectAssets({ project }: WarehouseWorkerOptions, { owners }: OpenWarehouses): Promise<void> {
  const owner = owners.get(ASSET_WAREHOUSE);
  if (owner === undefined) return;
  const pipelines = new Set(project.pipelines.keys());
  const declared = project.assets.map((asset) => ({ asset, inputs: assetInputs(asset, project.assets, pipelines) }));
  await declareAssets(owner, declared, new Date().toISOString());
}

const spoolFolder = (home: string, name: string) => join(home, 'spool', name);

/**
 * DuckDB's caller spins while another thread has the last task. A merge is seldom larger than what one thread takes at
 * once, so on two cores a second thread makes it no faster and costs half as much again.
 */
const defaultThreads = () => Math.max(1, availableParallelism() - 1);

async function open(warehouse: ResolvedWarehouse, home: string): Promise<DuckDbOwner> {
  const spool = spoolFolder(home, warehouse.name);
  const tempDirectory = join(home, 'temp', warehouse.name);
  mkdirSync(dirname(warehouse.path), { recursive: true });
  mkdirSync(tempDirectory, { recursive: true });
  mkdirSync(spool, { recursive: true });
  const owner = await openDuckDb({
    path: warehouse.path,
    memoryLimit: warehouse.memoryLimit,
    threads: warehouse.threads ?? defaultThreads(),
    tempDirectory,
    readableFolders: [spool],
    concurrentReads: CONCURRENT_READS,
  });
  // Only now is the spool ours alone: what a killed owner left there belongs to nobody.
  rmSync(spool, { recursive: true, force: true });
  mkdirSync(spool, { recursive: true });
  return owner;
}
