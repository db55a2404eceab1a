// Assets as `/api/assets` answers them: captured tables and derived assets, with freshness, partitions, the last record.
// A derived asset is as fresh as its inputs while nothing is due, and ages from the oldest change it has not seen.

import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { ResolvedAsset } from '../config/project.ts';
import type { AssetStatus, FreshnessState, PipelineStatus } from '../http/backend.ts';

interface AssetParts {
  readonly assets: readonly ResolvedAsset[];
  /** Where the derived assets are; undefined only in a project that has none. */
  readonly warehouse: Warehouse | undefined;
  readonly pipelines: readonly PipelineStatus[];
}

/** Captured tables first, then derived assets, each by key. */
export async function assetStatuses(parts: AssetParts): Promise<readonly AssetStatus[]> {
  const captured = parts.pipelines.flatMap((pipeline) =>
    pipeline.tables.map((table) => capturedStatus(pipeline, table)),
  );
  const ages = new Map(captured.map(({ key, freshness }) => [key, freshness.ageSeconds]));
  const derived: AssetStatus[] = [];
  const { warehouse } = parts;
  if (warehouse === undefined) return captured;
  for (const asset of inOrder(parts.assets)) {
    const status = await derivedStatus(asset, warehouse, ages);
    ages.set(asset.key, status.freshness.ageSeconds);
    derived.push(status);
  }
  return [...captured, ...derived];
}

/** @throws WalflowError ASSET_UNKNOWN */
export async function assetStatus(parts: AssetParts, key: string): Promise<AssetStatus> {
  const status = (await assetStatuses(parts)).find((one) => one.key === key);
  if (status === undefined) throw new WalflowError('ASSET_UNKNOWN', `there is no asset "${key}"`);
  return status;
}

function capturedStatus(pipeline: PipelineStatus, table: PipelineStatus['tables'][number]): AssetStatus {
  const ageSeconds = table.freshnessAgeSeconds;
  return {
    key: `${pipeline.name}/${table.table}`,
    kind: 'captured',
    deps: [`${pipeline.name}/lake`],
    group: pipeline.name,
    freshness: { state: ageSeconds === null ? 'UNKNOWN' : 'PASS', ageSeconds },
    checks: [],
  };
}

async function derivedStatus(
  asset: ResolvedAsset,
  warehouse: Warehouse,
  ages: ReadonlyMap<string, number | null>,
): Promise<AssetStatus> {
  const figures = await warehouse.assetFigures(asset.key);
  const [last] = await warehouse.materializations(asset.key, { limit: 1 });
  const inputAges = asset.deps.map((dep) => ages.get(dep) ?? null);
  const inputAge = inputAges.includes(null) ? null : Math.max(0, ...inputAges.map((age) => age ?? 0));
  const dueAge = figures.dueSince === null ? 0 : (Date.now() - Date.parse(figures.dueSince)) / 1000;
  const ageSeconds = inputAge === null || last === undefined ? null : Math.max(inputAge, dueAge);
  const slash = asset.key.lastIndexOf('/');
  return {
    key: asset.key,
    kind: 'derived',
    deps: asset.deps,
    ...(slash > 0 ? { group: asset.key.slice(0, slash) } : {}),
    freshness: { state: freshnessState(asset, ageSeconds), ageSeconds },
    ...(asset.partitions === undefined ? {} : { partitions: partitionCounts(figures) }),
    checks: [],
    ...(last === undefined ? {} : { lastMaterialization: last }),
  };
}

function partitionCounts({ done, stale }: { readonly done: number; readonly stale: number }) {
  return { total: Math.max(done, stale), done, failed: 0, missing: 0, stale, running: 0 };
}

function freshnessState({ freshnessLimits }: ResolvedAsset, ageSeconds: number | null): FreshnessState {
  if (ageSeconds === null) return 'UNKNOWN';
  if (freshnessLimits === null) return 'PASS';
  if (ageSeconds * 1000 >= freshnessLimits.failAfterMs) return 'FAIL';
  return ageSeconds * 1000 >= freshnessLimits.warnAfterMs ? 'WARN' : 'PASS';
}

/** Dependencies before their dependents; the configuration has no cycles. */
function inOrder(assets: readonly ResolvedAsset[]): readonly ResolvedAsset[] {
  const byKey = new Map(assets.map((asset) => [asset.key, asset]));
  const ordered = new Set<ResolvedAsset>();
  const visit = (asset: ResolvedAsset) => {
    if (ordered.has(asset)) return;
    for (const dep of asset.deps) {
      const upstream = byKey.get(dep);
      if (upstream !== undefined) visit(upstream);
    }
    ordered.add(asset);
  };
  for (const asset of assets) visit(asset);
  return [...ordered];
}
