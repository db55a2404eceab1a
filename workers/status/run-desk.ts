// Runs for the API: plans what a request selects, starts its workflow, shows, cancels and retries.

import type { PlannedStep, RunQuery, RunView, StepView } from '../../activities/warehouse/run-order.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import type { AssetGraph, DerivedAsset } from '../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../workflows/model/asset/partition.ts';
import { isPartitionKey, type Partitions } from '../../workflows/model/asset/partitioning.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { runWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import type { RunSettings } from '../../workflows/model/run.ts';
import { ASSET_WAREHOUSE } from '../config/project.ts';
import type { RetryFrom, RunRequest, RunStatusView } from '../http/backend.ts';
import type { TemporalRuns } from '../temporal/run-workflow.ts';
import { requestedKeys } from './requested-range.ts';

/** So that the input of its workflow stays far below what Temporal takes. */
const MOST_STEPS = 400;
const MOST_PARTITIONS = 1_000;

interface RunDeskOptions {
  readonly runs: Pick<TemporalRuns, 'start' | 'cancel' | 'executionOf'>;
  readonly settings: RunSettings;
  readonly graph: AssetGraph;
  readonly warehouse: Pick<Warehouse, 'planRun' | 'run' | 'runs' | 'endRun' | 'cancelSteps'>;
  readonly nowMs: () => number;
}

export class RunDesk {
  readonly #options: RunDeskOptions;

  constructor(options: RunDeskOptions) {
    this.#options = options;
  }

  async list(query: RunQuery): Promise<readonly RunStatusView[]> {
    return (await this.#options.warehouse.runs(query)).map(named);
  }

  /** @throws WalflowError RUN_UNKNOWN */
  async show(id: string): Promise<RunStatusView> {
    const view = await this.#viewOf(id);
    const runId = await this.#options.runs.executionOf(id);
    return { ...named(view), ...(runId === null ? {} : { runId }) };
  }

  /**
   * @param selected keys of the selected assets
   * @throws WalflowError RUN_INVALID
   */
  async start(request: RunRequest, selected: ReadonlySet<string>): Promise<RunStatusView> {
    const assets = this.#options.graph.derived.filter(({ key }) => selected.has(key));
    if (assets.length === 0) throw invalid(`${request.select} selects no asset that is computed`);
    return await this.#run(assets.map((asset) => stepOf(asset, request, this.#options.nowMs())));
  }

  /** What runs is interrupted; a run that has ended stays as it is. @throws WalflowError RUN_UNKNOWN */
  async cancel(id: string): Promise<RunStatusView> {
    const { runs, warehouse, nowMs } = this.#options;
    const { endedAt } = await this.#viewOf(id);
    if (endedAt !== null) return await this.show(id);
    const runsThere = await runs.cancel(id);
    warehouse.cancelSteps(id);
    // It never started, and need not any more.
    if (!runsThere) await warehouse.endRun({ run: id, status: 'cancelled', steps: [], nowMs: nowMs() });
    return await this.show(id);
  }

  /** A new run of the steps that did not end well, or of all. @throws WalflowError RUN_UNKNOWN, RUN_INVALID */
  async retry(id: string, from: RetryFrom): Promise<RunStatusView> {
    const view = await this.#viewOf(id);
    if (view.endedAt === null) throw invalid(`run ${id} has not ended`);
    const again = new Map(
      view.steps.filter((step) => from === 'all' || failed(step)).map((step) => [step.asset, step]),
    );
    const steps = this.#options.graph.derived.flatMap((asset) => {
      const step = again.get(asset.key);
      return step === undefined ? [] : [againStep(id, asset, step)];
    });
    if (steps.length === 0) throw invalid(`run ${id} has no step that failed`);
    return await this.#run(steps);
  }

  async #run(steps: readonly PlannedStep[]): Promise<RunStatusView> {
    if (steps.length > MOST_STEPS) throw invalid(`${steps.length} assets are more than the ${MOST_STEPS} of one run`);
    const { runs, settings, warehouse, nowMs } = this.#options;
    const planned = await warehouse.planRun({ cause: { kind: 'manual' }, steps, nowMs: nowMs() });
    await runs.start(planned, warehouseQueue(ASSET_WAREHOUSE), settings);
    return await this.show(planned.id);
  }

  async #viewOf(id: string): Promise<RunView> {
    const view = await this.#options.warehouse.run(id);
    if (view === null) throw new WalflowError('RUN_UNKNOWN', `there is no run ${id}`);
    return view;
  }
}

const named = (view: RunView): RunStatusView => ({ ...view, workflowId: runWorkflowId(view.id) });

const failed = ({ status, reason }: StepView) =>
  status === 'failed' || status === 'cancelled' || reason === 'upstream-failed';

function stepOf(asset: DerivedAsset, request: RunRequest, nowMs: number): PlannedStep {
  const { partitions } = asset.definition;
  const { partition, from, to } = request;
  const names = partition !== undefined || from !== undefined || to !== undefined;
  if (partitions === undefined) {
    if (names) throw invalid(`${asset.key} has no partitions`);
    return { asset, scope: 'listed' };
  }
  if (!names) return { asset, scope: 'stale' };
  const listed = listedKeys(asset.key, partitions, request, nowMs);
  if (listed.length === 0) throw invalid(`${asset.key} has no partition from ${from} to ${to}`);
  if (listed.length > MOST_PARTITIONS) {
    throw invalid(`${listed.length} partitions of ${asset.key} are more than the ${MOST_PARTITIONS} of one run`);
  }
  return { asset, scope: 'listed', partitions: listed };
}

function listedKeys(
  asset: string,
  partitions: Partitions,
  { partition, ...range }: RunRequest,
  nowMs: number,
): readonly PartitionKey[] {
  if (partition === undefined) return requestedKeys(partitions, range, nowMs, invalid);
  if (isPartitionKey(partitions, partition)) return [partition];
  throw invalid(`${asset} has no such partition`);
}

/** ⚠ A list of partitions is gone with its step: nothing else may be computed in its place. */
function againStep(run: string, asset: DerivedAsset, { scope }: StepView): PlannedStep {
  if (asset.definition.partitions === undefined) return { asset, scope: 'listed' };
  if (!scope.startsWith('listed')) return { asset, scope: 'stale' };
  throw invalid(`the partitions of ${asset.key} in run ${run} are not on record any more: name them again`);
}

const invalid = (what: string) => new WalflowError('RUN_INVALID', what);
