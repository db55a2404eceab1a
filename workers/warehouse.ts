// The warehouse worker: owns the project's warehouses, merges into them, recomputes assets, serves the HTTP API. A warehouse
// is opened before its task queue is polled, so that no work is taken that cannot be done.

import { createWarehouseActivities } from '../activities/index.ts';
import type { PipelineResources, WarehouseTelemetry } from '../activities/resources.ts';
import type { Warehouse } from '../activities/warehouse/warehouse.ts';
import type { AssetGraph } from '../workflows/model/asset/graph.ts';
import { warehouseQueue } from '../workflows/model/names.ts';
import { ASSET_WAREHOUSE } from './config/project.ts';
import { openPipelines } from './pipeline-resources.ts';
import { withSpooledSeeds } from './seed-file.ts';
import { createWorker } from './temporal/connection.ts';
import { reconcileSchedules } from './temporal/project-schedule.ts';
import { TemporalRuns } from './temporal/run-workflow.ts';
import { openWarehouse, spoolFolder } from './warehouse-opener.ts';
import { openWorkerBase, runUntilAborted, type WorkerBase, type WorkerOptions } from './worker-process.ts';

export interface WarehouseWorkerOptions extends WorkerOptions {
  /** State folder, for spools and for what an engine spills. */
  readonly home: string;
  readonly telemetry: WarehouseTelemetry;
  /** Make the schedules those of the configuration, as `walflow deploy` does. */
  readonly deploysSchedules: boolean;
}

/** The opened parts, to be served over HTTP. */
export interface OpenWarehouses {
  readonly base: WorkerBase;
  readonly warehouses: ReadonlyMap<string, Warehouse>;
  readonly pipelines: ReadonlyMap<string, PipelineResources>;
  /** The folder whose files a warehouse may read. */
  readonly spoolFolder: (warehouse: string) => string;
}

/** Opens every warehouse, runs `serve` beside the workers, and closes everything when the signal aborts. */
export async function runWarehouseWorker(
  options: WarehouseWorkerOptions,
  serve: (opened: OpenWarehouses) => Promise<{ close(): Promise<void> }>,
): Promise<void> {
  const { project } = options;
  const warehouses = new Map<string, Warehouse>();
  try {
    for (const one of project.warehouses.values()) warehouses.set(one.name, await openWarehouse(one, options.home));
    const spooled = await withSpooledSeeds(project.graph, spoolFolder(options.home, ASSET_WAREHOUSE));
    const base = await openWorkerBase(options);
    const opened = {
      ...{ base, warehouses, pipelines: openPipelines(project) },
      spoolFolder: (name: string) => spoolFolder(options.home, name),
    };
    await declareAssets(spooled, opened);
    const server = await serve(opened);
    try {
      const running = [...warehouses.keys()].map((name) =>
        runOne(name, opened, { ...options, project: { ...project, graph: spooled } }),
      );
      await Promise.all(running);
    } finally {
      await server.close();
      base.doorbell.close();
      await base.client.connection.close();
    }
  } finally {
    for (const warehouse of warehouses.values()) await warehouse.close();
  }
}

async function runOne(name: string, opened: OpenWarehouses, options: WarehouseWorkerOptions): Promise<void> {
  const { base, warehouses, pipelines } = opened;
  const { project, temporal, log, telemetry, signal, broken } = options;
  const warehouse = warehouses.get(name);
  if (warehouse === undefined) return;
  const { worker, connection } = await createWorker(temporal, {
    taskQueue: warehouseQueue(name),
    activities: createWarehouseActivities({
      pipelines,
      warehouse,
      graph: project.graph,
      spoolFolder: spoolFolder(options.home, name),
      doorbell: base.doorbell,
      runLookup: new TemporalRuns(base.client),
      log,
      broken,
      telemetry,
    }),
  });
  for (const pipeline of project.pipelines.values()) {
    const merge = base.merges.get(pipeline.name);
    if (pipeline.warehouse === name && merge !== undefined) await base.keep(merge);
  }
  if (name === ASSET_WAREHOUSE && project.graph.derived.length > 0) {
    await base.keep(base.automation);
    // Something may have become due before this process started.
    base.doorbell.changed(project.graph.derived.map(({ key }) => key));
  }
  if (name === ASSET_WAREHOUSE && options.deploysSchedules) await deploySchedules(options, base);
  try {
    await Promise.race([runUntilAborted([worker], signal), warehouse.invalidated]);
  } finally {
    await connection.close();
  }
}

async function deploySchedules({ project, log }: WarehouseWorkerOptions, base: WorkerBase): Promise<void> {
  const { client, settings } = base;
  const changes = await reconcileSchedules(client, { project: project.name, schedules: project.schedules, settings });
  for (const change of changes)
    if (change.tag !== 'same') log.info(change, 'a schedule was brought to the configuration');
}

/** After this a new asset, or one whose code changed, is due as a whole, and views are as they are written. */
async function declareAssets({ derived, views }: AssetGraph, { warehouses }: OpenWarehouses): Promise<void> {
  const warehouse = warehouses.get(ASSET_WAREHOUSE);
  await warehouse?.declareAssets(derived, new Date().toISOString());
  await warehouse?.declareViews(views);
}
