// Station 12 on a row's way: the API's answers, from warehouse, lake, source and Temporal.

import type { Logger } from 'pino';
import { readCapture, readHead } from '../../activities/capture/log-position.ts';
import type { PipelineResources } from '../../activities/resources.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import type { AssetGraph, DerivedAsset } from '../../workflows/model/asset/graph.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { ingestWorkflowId } from '../../workflows/model/names.ts';
import { ASSET_WAREHOUSE, type ResolvedProject } from '../config/project.ts';
import type {
  ApiBackend,
  BackfillControl,
  BackfillRequest,
  PipelineStatus,
  RetryFrom,
  RunHandle,
  RunRequest,
  ScheduleOperation,
  WaitRequest,
  WaitResult,
} from '../http/backend.ts';
import type { WarehouseFigures } from '../metrics/telemetry.ts';
import { TemporalRuns } from '../temporal/run-workflow.ts';
import { Standstills } from '../temporal/standstill.ts';
import type { OpenWarehouses } from '../warehouse.ts';
import { assetStatus, assetStatuses } from './asset-status.ts';
import { assetWhy } from './asset-why.ts';
import { BackfillDesk } from './backfill-desk.ts';
import { graphView } from './graph-view.ts';
import { IngestStates } from './ingest-state.ts';
import { PipelineMonitor } from './pipeline-monitor.ts';
import { pipelineStatus } from './pipeline-status.ts';
import { RunDesk } from './run-desk.ts';
import { operateSchedule, scheduleStatuses } from './schedule-status.ts';
import { SharedLook } from './shared-look.ts';
import { verifyPipeline } from './verify.ts';
import { waitReadable } from './wait-readable.ts';
import { queriedWarehouse, warehouseNamed } from './warehouse-choice.ts';

const QUERY_LIMITS = { maxRows: 10_000, timeoutMs: 30_000, maxBytes: 32 * 1024 * 1024 };

/** Who asks for pipelines mostly asks for assets too, which needs the same look. */
const TOGETHER_MS = 100;

export interface BackendOptions {
  readonly opened: OpenWarehouses;
  readonly graph: AssetGraph;
  readonly project: Pick<ResolvedProject, 'name' | 'schedules'>;
  readonly figures: WarehouseFigures;
  readonly log: Logger;
}

/** A backend that watches its pipelines until it is closed. */
export function createApiBackend(options: BackendOptions): ApiBackend & { close(): Promise<void> } {
  return new WarehouseBackend(options);
}

class WarehouseBackend implements ApiBackend {
  readonly #options: BackendOptions;
  readonly #monitors: ReadonlyMap<string, PipelineMonitor>;
  readonly #ingest: IngestStates;
  readonly #standstills: Standstills;
  readonly #looks = new SharedLook(() => this.#readPipelines(), TOGETHER_MS);

  constructor(options: BackendOptions) {
    const { opened, figures, log } = options;
    this.#options = options;
    this.#ingest = new IngestStates(opened.base.client);
    this.#standstills = new Standstills(opened.base.client);
    this.#monitors = new Map(
      [...opened.pipelines.values()].map((pipeline) => [
        pipeline.name,
        new PipelineMonitor(pipeline, this.#warehouse(pipeline.warehouse), log, (reading) => {
          figures.pending(pipeline.name, Math.max(0, reading.headSeq - reading.watermark.seq));
        }),
      ]),
    );
  }

  async pipelines() {
    return await this.#looks.see();
  }

  async assets(selection?: string) {
    return await assetStatuses(await this.#assetParts(), selection);
  }

  async graph(selection?: string) {
    return graphView(this.#options.graph, await this.assets(selection));
  }

  async asset(key: string) {
    return await assetStatus(await this.#assetParts(), key);
  }

  async checks(selection?: string) {
    const { graph, opened } = this.#options;
    const warehouse = opened.warehouses.get(ASSET_WAREHOUSE);
    if (warehouse === undefined) return [];
    if (selection === undefined) return await warehouse.checks(graph.derived);
    const selected = new Set((await this.assets(selection)).map(({ key }) => key));
    return await warehouse.checks(graph.derived.filter(({ key }) => selected.has(key)));
  }

  async checksOf(key: string) {
    const asset = await this.#derived(key);
    return asset === null ? [] : await this.#warehouse(ASSET_WAREHOUSE).checks([asset]);
  }

  async declarations() {
    return (await this.#options.opened.warehouses.get(ASSET_WAREHOUSE)?.declarations()) ?? [];
  }

  async partitions(key: string, query: Parameters<ApiBackend['partitions']>[1]) {
    const asset = await this.#derived(key);
    return asset === null ? [] : await this.#warehouse(ASSET_WAREHOUSE).partitions(asset, query);
  }

  async materializations(key: string, filter: Parameters<ApiBackend['materializations']>[1]) {
    const asset = await this.#derived(key);
    return asset === null ? [] : await this.#warehouse(ASSET_WAREHOUSE).materializations(key, filter);
  }

  async why(key: string) {
    const asset = this.#options.graph.asset(key);
    return assetWhy(asset, await this.#warehouse(ASSET_WAREHOUSE).dueFacts(asset, Date.now()));
  }

  async runs(query: Parameters<ApiBackend['runs']>[0]) {
    return await this.#runs().list(query);
  }

  async run(id: string) {
    return await this.#runs().show(id);
  }

  async startRun(request: RunRequest) {
    const selected = await this.assets(request.select);
    return await this.#runs().start(request, new Set(selected.map(({ key }) => key)));
  }

  async cancelRun(id: string) {
    return await this.#runs().cancel(id);
  }

  async retryRun(id: string, from: RetryFrom) {
    return await this.#runs().retry(id, from);
  }

  async startBackfill(request: BackfillRequest) {
    const selected = await this.assets(request.select);
    return await this.#backfills().start(request, new Set(selected.map(({ key }) => key)));
  }

  async backfills() {
    return await this.#backfills().list();
  }

  async backfill(id: string) {
    return await this.#backfills().show(id);
  }

  async controlBackfill(id: string, control: BackfillControl) {
    return await this.#backfills().control(id, control);
  }

  async query(...[sql, params, signal]: Parameters<ApiBackend['query']>) {
    return await queriedWarehouse(this.#options.opened.warehouses).query(sql, params, { ...QUERY_LIMITS, signal });
  }

  async wait(name: string, request: WaitRequest, signal: AbortSignal): Promise<WaitResult> {
    return await waitReadable(this.#monitorOf(name), request, signal);
  }

  async verify(name: string, table: string | undefined, signal: AbortSignal) {
    const { opened } = this.#options;
    const monitor = this.#monitorOf(name);
    const pipeline = this.#pipeline(name);
    return await verifyPipeline({
      pipeline,
      warehouse: this.#warehouse(pipeline.warehouse),
      spoolFolder: opened.spoolFolder(pipeline.warehouse),
      table: table ?? null,
      signal,
      captured: async () => (await readCapture(pipeline.lake, await readHead(pipeline.lake))).map(({ table }) => table),
      reach: (lsn, timeoutMs) => this.wait(name, { lsn, tables: [], timeoutMs }, signal),
      mergedLsn: async () => (await monitor.watermark()).endLsn,
    });
  }

  async pausePipeline(name: string): Promise<RunHandle> {
    return await this.#signal(name, 'pause');
  }

  async resumePipeline(name: string): Promise<RunHandle> {
    return await this.#signal(name, 'resume');
  }

  async resyncTable(name: string, table: string): Promise<RunHandle> {
    const [known] = await this.#warehouse(this.#pipeline(name).warehouse).tables(name, table);
    if (known === undefined || known.state === 'detached')
      throw new WalflowError('TABLE_UNKNOWN', `pipeline ${name} has no table ${table}`);
    return await this.#signal(name, 'resyncTable', table);
  }

  async dropDetached(name: string, table: string | undefined) {
    const warehouse = this.#warehouse(this.#pipeline(name).warehouse);
    const dropped = await warehouse.dropDetached(name, table);
    if (dropped.length === 0 && table !== undefined) {
      throw new WalflowError('TABLE_UNKNOWN', `pipeline ${name} has no detached table ${table}`);
    }
    return { dropped };
  }

  async schedules() {
    return await scheduleStatuses(this.#scheduleParts());
  }

  async operateSchedule(name: string, operation: ScheduleOperation) {
    return await operateSchedule(this.#scheduleParts(), name, operation);
  }

  async notReady(): Promise<string | null> {
    try {
      await this.#options.opened.base.client.connection.ensureConnected();
      return null;
    } catch {
      return 'Temporal does not answer';
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#monitors.values()].map((monitor) => monitor.close()));
  }

  async #signal(name: string, signal: 'pause' | 'resume' | 'resyncTable', ...args: string[]): Promise<RunHandle> {
    this.#monitorOf(name);
    const handle = this.#options.opened.base.client.workflow.getHandle(ingestWorkflowId(name));
    await handle.signal(signal, ...args);
    const { workflowId, runId } = await handle.describe();
    return { workflowId, runId };
  }

  /** Null for a captured table. Only then the status of everything is read: the graph knows the others. */
  async #derived(key: string): Promise<DerivedAsset | null> {
    const { graph, opened } = this.#options;
    const asset = graph.derived.find((one) => one.key === key);
    if (asset !== undefined && opened.warehouses.has(ASSET_WAREHOUSE)) return asset;
    await this.asset(key);
    return null;
  }

  async #readPipelines(): Promise<readonly PipelineStatus[]> {
    const { opened, figures } = this.#options;
    return await Promise.all(
      [...opened.pipelines.values()].map(async (pipeline) =>
        pipelineStatus({
          pipeline,
          warehouse: this.#warehouse(pipeline.warehouse),
          reading: this.#monitorOf(pipeline.name).reading,
          ingest: await this.#ingest.of(pipeline.name),
          standstillOf: (workflowId) => this.#standstills.of(workflowId),
          latency: figures.latency(pipeline.name, Date.now()),
        }),
      ),
    );
  }

  async #assetParts() {
    const { graph, opened } = this.#options;
    return { graph, warehouse: opened.warehouses.get(ASSET_WAREHOUSE), pipelines: await this.pipelines() };
  }

  #runs(): RunDesk {
    const { graph, opened } = this.#options;
    const { client, settings } = opened.base;
    const runs = new TemporalRuns(client);
    return new RunDesk({ runs, settings, graph, warehouse: this.#warehouse(ASSET_WAREHOUSE), nowMs: Date.now });
  }

  #scheduleParts() {
    const { project, opened } = this.#options;
    return { project, client: opened.base.client, warehouse: opened.warehouses.get(ASSET_WAREHOUSE) };
  }

  #backfills(): BackfillDesk {
    const { graph, opened } = this.#options;
    const { client, settings } = opened.base;
    const warehouse = this.#warehouse(ASSET_WAREHOUSE);
    return new BackfillDesk({ client, settings, graph, warehouse, cancelRun: (run) => this.#runs().cancel(run) });
  }

  #monitorOf(name: string): PipelineMonitor {
    const monitor = this.#monitors.get(name);
    if (monitor === undefined) throw unknownPipeline(name);
    return monitor;
  }

  #pipeline(name: string): PipelineResources {
    const pipeline = this.#options.opened.pipelines.get(name);
    if (pipeline === undefined) throw unknownPipeline(name);
    return pipeline;
  }

  #warehouse(name: string): Warehouse {
    return warehouseNamed(this.#options.opened.warehouses, name);
  }
}

function unknownPipeline(name: string): WalflowError {
  return new WalflowError('PIPELINE_UNKNOWN', `the project has no pipeline "${name}"`);
}
