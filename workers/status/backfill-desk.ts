// Backfills for the API: plans what a request selects, stores it, and starts or rings its workflow.

import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type {
  BackfillAsset,
  BackfillDetail,
  BackfillOrder,
  BackfillView,
} from '../../activities/warehouse/backfill-order.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { layersOf } from '../../workflows/model/asset/backfill.ts';
import type { AssetGraph } from '../../workflows/model/asset/graph.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { backfillWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import type { RunSettings } from '../../workflows/model/run.ts';
import { attributesOf } from '../../workflows/search-attributes.ts';
import { ASSET_WAREHOUSE } from '../config/project.ts';
import type { BackfillControl, BackfillRequest, StartedBackfill } from '../http/backend.ts';
import { requestedKeys } from './requested-range.ts';

const DEFAULT_CHUNK = 100;
const BACKFILLS_LISTED = 100;

export interface BackfillDeskOptions {
  readonly client: Client;
  readonly settings: RunSettings;
  readonly graph: AssetGraph;
  readonly warehouse: Warehouse;
  /** Ends what computes for a run in this process, and its workflow. */
  cancelRun(run: string): Promise<unknown>;
}

export class BackfillDesk {
  readonly #options: BackfillDeskOptions;

  constructor(options: BackfillDeskOptions) {
    this.#options = options;
  }

  /**
   * @param selected keys of the selected assets
   * @throws WalflowError BACKFILL_INVALID
   */
  async start(request: BackfillRequest, selected: ReadonlySet<string>): Promise<StartedBackfill> {
    const { warehouse } = this.#options;
    const order = this.#orderOf(request, selected);
    if (request.dryRun) return { id: null, ...(await warehouse.backfillPlan(order)) };
    const id = await warehouse.planBackfill(order);
    if (id === null) return { id, assets: [] };
    const { assets } = await this.show(id);
    await this.#startWorkflow(id);
    return { id, assets: assets.map(({ asset, total }) => ({ asset, partitions: total })) };
  }

  async list(): Promise<readonly BackfillView[]> {
    return await this.#options.warehouse.backfills(BACKFILLS_LISTED);
  }

  /** @throws WalflowError BACKFILL_UNKNOWN */
  async show(id: string): Promise<BackfillDetail> {
    const detail = await this.#options.warehouse.backfill(id);
    if (detail === null) throw unknown(id);
    return detail;
  }

  /** @throws WalflowError BACKFILL_UNKNOWN */
  async control(id: string, control: BackfillControl): Promise<BackfillDetail> {
    const { warehouse, cancelRun } = this.#options;
    const status = ({ pause: 'paused', resume: 'running', cancel: 'cancelled' } as const)[control];
    const known = await warehouse.setBackfill(id, status, Date.now());
    if (known === null) throw unknown(id);
    if (control === 'cancel' && known.run !== null) await cancelRun(known.run);
    // Its workflow may have been terminated.
    if (control === 'resume' && known.status === 'running') await this.#startWorkflow(id);
    await this.#ring(id);
    return await this.show(id);
  }

  #orderOf({ select, from, to, only, chunk }: BackfillRequest, selected: ReadonlySet<string>): BackfillOrder {
    const { graph } = this.#options;
    const nowMs = Date.now();
    const layers = layersOf(graph.derived);
    const assets = graph.derived
      .filter(({ key }) => selected.has(key))
      .map((asset): BackfillAsset => {
        const { partitions } = asset.definition;
        const keys = partitions === undefined ? null : requestedKeys(partitions, { from, to }, nowMs, invalid);
        return { asset, layer: layers.get(asset.key) ?? 0, partitions: keys };
      });
    if (assets.every(({ partitions }) => partitions === null)) {
      throw invalid(`${select} selects no asset with partitions`);
    }
    return { selection: select, assets, only: only ?? null, chunk: chunk ?? DEFAULT_CHUNK, nowMs };
  }

  async #startWorkflow(id: string): Promise<void> {
    const { client, settings } = this.#options;
    await client.workflow.start('backfill', {
      workflowId: backfillWorkflowId(id),
      taskQueue: warehouseQueue(ASSET_WAREHOUSE),
      args: [{ backfill: id, ...settings }],
      staticSummary: `backfill ${id}`,
      workflowIdConflictPolicy: 'USE_EXISTING',
      ...attributesOf(settings.searchAttributes, { kind: 'backfill' }),
    });
  }

  /** It looks again by itself, later. */
  async #ring(id: string): Promise<void> {
    try {
      await this.#options.client.workflow.getHandle(backfillWorkflowId(id)).signal('event');
    } catch (failure) {
      if (!(failure instanceof WorkflowNotFoundError)) throw failure;
    }
  }
}

const invalid = (what: string, cause?: WalflowError) =>
  new WalflowError('BACKFILL_INVALID', what, ...(cause === undefined ? [] : [{ cause }]));

const unknown = (id: string) => new WalflowError('BACKFILL_UNKNOWN', `there is no backfill ${id}`);
