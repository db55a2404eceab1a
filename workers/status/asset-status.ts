// Assets for `/api/assets`: captured tables, derived assets and views, with freshness, partitions and the last record. A derived
// asset is as fresh as its inputs while nothing is due; else its age counts from the oldest change it has not seen.

import type { AssetFigures, ViewState } from '../../activities/warehouse/asset-order.ts';
import type { TableState } from '../../activities/warehouse/table-status.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { columnsOf } from '../../workflows/model/asset/contract.ts';
import type { LoadedAsset, LoadedCaptured } from '../../workflows/model/asset/definition.ts';
import type { AssetGraph, DerivedAsset, ViewAsset } from '../../workflows/model/asset/graph.ts';
import { capturedKey } from '../../workflows/model/asset/key.ts';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import { selectAssets } from '../../workflows/model/asset/selection.ts';
import { parseSelection } from '../../workflows/model/asset/selection-parser.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { AssetState, AssetStatus, FreshnessState, PipelineStatus } from '../http/backend.ts';

interface AssetParts {
  readonly graph: AssetGraph;
  /** The warehouse of the derived assets; undefined in a project without any. */
  readonly warehouse: Warehouse | undefined;
  readonly pipelines: readonly PipelineStatus[];
}

/**
 * The selected assets, or all: captured tables first, then derived assets, each by key.
 * @throws WalflowError SELECTION_INVALID, ASSET_UNKNOWN
 */
export async function assetStatuses(parts: AssetParts, selection?: string): Promise<readonly AssetStatus[]> {
  // Read before the warehouse is asked.
  const wanted = selection === undefined ? null : parseSelection(selection);
  const all = await everyStatus(parts);
  return wanted === null ? all : selectAssets(wanted, all);
}

/** Of an asset that the warehouse does not know. */
const NOTHING: AssetFigures = { missing: 0, stale: 0, current: 0, state: 'missing', dueSince: null };

async function everyStatus(parts: AssetParts): Promise<readonly AssetStatus[]> {
  const described = new Map(parts.graph.described.map((table) => [table.key, table]));
  const captured = parts.pipelines.flatMap((pipeline) =>
    pipeline.tables.map((table) =>
      capturedStatus(pipeline, table, described.get(capturedKey(pipeline.name, table.table))),
    ),
  );
  const ages = new Map(captured.map(({ key, freshness }) => [key, freshness.ageSeconds]));
  const made: AssetStatus[] = [];
  const { warehouse } = parts;
  if (warehouse === undefined) return captured;
  const { derived, views } = parts.graph;
  const figures = await warehouse.assetFigures(derived);
  const states = views.length === 0 ? NO_VIEWS : await warehouse.viewStates();
  const records = await warehouse.newestMaterializations();
  const checks = Map.groupBy(await warehouse.checks(derived), (check) => check.asset);
  for (const asset of parts.graph.made) {
    const status =
      asset.tag === 'view'
        ? viewStatus(asset, states.get(asset.key) ?? { state: 'missing' }, ages)
        : derivedStatus(asset, figures.get(asset.key) ?? NOTHING, records.get(asset.key), ages);
    ages.set(asset.key, status.freshness.ageSeconds);
    const found = checks.get(asset.key) ?? [];
    made.push({ ...status, checks: found.map(({ name, state, severity }) => ({ name, state, severity })) });
  }
  return [...captured, ...made];
}

const NO_VIEWS: ReadonlyMap<string, ViewState> = new Map();

/** It is as old as what it reads. */
function viewStatus(
  view: ViewAsset,
  { state, reason }: ViewState,
  ages: ReadonlyMap<string, number | null>,
): AssetStatus {
  const ageSeconds = state === 'current' ? inputAge(view, ages) : null;
  return {
    key: view.key,
    kind: 'view',
    status: state,
    ...(reason === undefined ? {} : { reason }),
    deps: view.reads.map(({ from }) => from.key),
    ...(view.group === null ? {} : { group: view.group }),
    ...labels(view.definition),
    freshness: { state: ageSeconds === null ? 'UNKNOWN' : 'PASS', ageSeconds },
    checks: [],
  };
}

/** Of the oldest; null while one of them was never readable. */
function inputAge({ reads }: DerivedAsset | ViewAsset, ages: ReadonlyMap<string, number | null>): number | null {
  const inputs = reads.map(({ from }) => ages.get(from.key) ?? null);
  return inputs.reduce((oldest, age) => (oldest === null || age === null ? null : Math.max(oldest, age)), 0);
}

/** @throws WalflowError ASSET_UNKNOWN */
export async function assetStatus(parts: AssetParts, key: string): Promise<AssetStatus> {
  const status = (await assetStatuses(parts)).find((one) => one.key === key);
  if (status === undefined) throw new WalflowError('ASSET_UNKNOWN', `there is no asset "${key}"`);
  return status;
}

const CAPTURED_STATES: Readonly<Record<TableState, AssetState>> = {
  loading: 'missing',
  live: 'current',
  'append-only': 'current',
  paused: 'failed',
  detached: 'detached',
};

function capturedStatus(
  pipeline: PipelineStatus,
  table: PipelineStatus['tables'][number],
  described: LoadedCaptured = { key: '' },
): AssetStatus {
  const ageSeconds = table.freshnessAgeSeconds;
  return {
    key: capturedKey(pipeline.name, table.table),
    kind: 'captured',
    status: CAPTURED_STATES[table.state],
    pipeline: pipeline.name,
    deps: [`${pipeline.name}/lake`],
    group: pipeline.name,
    ...labels(described),
    freshness: { state: freshnessState(described, ageSeconds), ageSeconds },
    checks: [],
  };
}

function derivedStatus(
  asset: DerivedAsset,
  { dueSince, state, ...counts }: AssetFigures,
  last: Materialization | undefined,
  ages: ReadonlyMap<string, number | null>,
): AssetStatus {
  const { columns } = asset.definition;
  const oldest = inputAge(asset, ages);
  const dueAge = dueSince === null ? 0 : (Date.now() - Date.parse(dueSince)) / 1000;
  const ageSeconds = oldest === null || last === undefined ? null : Math.max(oldest, dueAge);
  return {
    key: asset.key,
    kind: asset.definition.kind === 'seed' ? 'seed' : 'derived',
    status: state,
    deps: asset.reads.map(({ from }) => from.key),
    ...(asset.group === null ? {} : { group: asset.group }),
    ...labels(asset.definition),
    freshness: { state: freshnessState(asset.definition, ageSeconds), ageSeconds },
    ...(asset.definition.partitions === undefined ? {} : { partitions: { total: totalOf(counts), ...counts } }),
    ...(columns === undefined ? {} : { columns: columnsOf(columns) }),
    checks: [],
    ...(last === undefined ? {} : { lastMaterialization: last }),
  };
}

const totalOf = ({ missing, stale, current }: Omit<AssetFigures, 'dueSince' | 'state'>) => missing + stale + current;

function labels({ description, owners, tags }: LoadedCaptured | LoadedAsset) {
  return {
    ...(description === undefined ? {} : { description }),
    ...(owners === undefined ? {} : { owners }),
    ...(tags === undefined ? {} : { tags }),
  };
}

function freshnessState(
  { freshnessLimits: limits }: LoadedCaptured | LoadedAsset,
  ageSeconds: number | null,
): FreshnessState {
  if (ageSeconds === null) return 'UNKNOWN';
  if (limits === undefined) return 'PASS';
  if (ageSeconds * 1000 >= limits.failAfterMs) return 'FAIL';
  return ageSeconds * 1000 >= limits.warnAfterMs ? 'WARN' : 'PASS';
}
