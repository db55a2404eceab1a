// Rules over a project's derived assets: every dependency exists, nobody waits for himself, no two results share a table.
// Pure.

import { type AssetDefinition, assetTable, parseCapturedKey } from '../../workflows/model/asset.ts';
import { nearestName } from './nearest-name.ts';
import type { Problem } from './problem.ts';
import { ASSET_WAREHOUSE, type ResolvedAsset, type ResolvedProject } from './project.ts';
import { matchesTable, overlaps } from './table-pattern.ts';

/** Last parts of API addresses below /api/assets/<key>: a key that ended in one could not be asked for. */
const RESERVED_NAMES = new Set(['materializations', 'partitions', 'materialize', 'why']);
const RESERVED_SCHEMA = '_walflow';

export function assetProblems(project: ResolvedProject): readonly Problem[] {
  const { assets } = project;
  return [
    ...noWarehouse(project),
    ...assets.flatMap((asset, i) => [
      ...keyProblems(project, asset, i),
      ...asset.deps.flatMap((dep, d) => dependencyProblems(project, asset, dep, `assets[${i}].deps[${d}]`)),
      ...placeholderProblems(asset, `assets[${i}].sql`),
      ...freshnessProblems(asset, `assets[${i}].freshness`),
      ...tableProblems(project, asset, i),
    ]),
    ...cycleProblems(assets),
  ];
}

function noWarehouse({ assets, warehouses }: ResolvedProject): readonly Problem[] {
  if (assets.length === 0 || warehouses.has(ASSET_WAREHOUSE)) return [];
  const what = `are made in warehouse ${ASSET_WAREHOUSE}, which is not defined`;
  return [{ path: 'assets', what, fix: `define warehouses.${ASSET_WAREHOUSE}` }];
}

function keyProblems({ assets, pipelines }: ResolvedProject, { key }: ResolvedAsset, i: number): readonly Problem[] {
  const path = `assets[${i}].key`;
  const parts = key.split('/');
  if (assets.findIndex((other) => other.key === key) < i) {
    return [{ path, what: `${key} is declared twice`, fix: 'give each asset a key of its own' }];
  }
  if (pipelines.has(parts[0] ?? '')) {
    const what = `${key} begins with the name of pipeline ${parts[0]}`;
    return [{ path, what, fix: 'keys that begin with a pipeline are its captured tables: choose another group' }];
  }
  if (RESERVED_NAMES.has(parts.at(-1) ?? '')) {
    return [{ path, what: `${key} ends in a word of the HTTP API`, fix: 'choose another last part' }];
  }
  return [];
}

function dependencyProblems(
  project: ResolvedProject,
  asset: ResolvedAsset,
  dep: string,
  path: string,
): readonly Problem[] {
  const captured = parseCapturedKey(dep, new Set(project.pipelines.keys()));
  const pipeline = captured === null ? undefined : project.pipelines.get(captured.pipeline);
  if (captured === null || pipeline === undefined) return derivedProblems(project, asset, dep, path);
  if (!pipeline.source.tables.some((pattern) => matchesTable(pattern, captured.table))) {
    const fix = `add '${captured.table}' to pipelines.${pipeline.name}.source.tables`;
    return [{ path, what: `names ${captured.table}, which pipeline ${pipeline.name} does not capture`, fix }];
  }
  if (pipeline.warehouse === ASSET_WAREHOUSE) return [];
  const what = `names a table of warehouse ${pipeline.warehouse}; assets are made in ${ASSET_WAREHOUSE}`;
  return [{ path, what, fix: `merge pipeline ${pipeline.name} into warehouse ${ASSET_WAREHOUSE}` }];
}

function derivedProblems(
  { assets, pipelines }: ResolvedProject,
  asset: ResolvedAsset,
  dep: string,
  path: string,
): readonly Problem[] {
  if (assets.some(({ key }) => key === dep)) return [];
  const tables = [...pipelines.values()].flatMap(({ name, source }) =>
    source.tables.map((table) => `${name}/${table}`),
  );
  const others = assets.flatMap(({ key }) => (key === asset.key ? [] : [key]));
  const meant = nearestName(dep, [...tables.filter((key) => !key.endsWith('.*')), ...others]);
  const fix =
    meant === null ? 'name <pipeline>/<schema>.<table> or the key of another asset' : `did you mean ${meant}?`;
  return [{ path, what: `names ${dep}, which does not exist`, fix }];
}

/** `{a/b}` must be a dependency, else the run would read what the asset does not wait for. */
function placeholderProblems(asset: ResolvedAsset, path: string): readonly Problem[] {
  const names = new Set([...asset.sql.matchAll(/\{([\w%./]+)\}/g)].map(([, name = '']) => name));
  return [...names].flatMap((name): readonly Problem[] => {
    if (name === 'start' || name === 'end') {
      return asset.partitions === undefined
        ? [{ path, what: `uses {${name}}, but the asset has no partitions`, fix: 'add partitions: daily({ … })' }]
        : [];
    }
    if (asset.deps.includes(name)) return [];
    const meant = nearestName(name, asset.deps);
    const fix = meant === null ? `add '${name}' to the asset's deps` : `did you mean {${meant}}?`;
    return [{ path, what: `reads {${name}}, which is not in deps`, fix }];
  });
}

function freshnessProblems({ freshnessLimits: limits }: ResolvedAsset, path: string): readonly Problem[] {
  if (limits === null || limits.warnAfterMs < limits.failAfterMs) return [];
  return [{ path: `${path}.warnAfter`, what: 'must be shorter than failAfter', fix: 'warn first, fail later' }];
}

function tableProblems({ assets, pipelines }: ResolvedProject, asset: ResolvedAsset, i: number): readonly Problem[] {
  const path = `assets[${i}].${asset.table === undefined ? 'key' : 'table'}`;
  const mine = tableName(asset);
  if (assetTable(asset).schema.toLowerCase() === RESERVED_SCHEMA) {
    return [
      {
        path,
        what: `writes into schema ${RESERVED_SCHEMA}`,
        fix: 'choose another schema: that one is kept for walflow itself',
      },
    ];
  }
  const twin = assets.slice(0, i).find((other) => tableName(other) === mine && other.key !== asset.key);
  if (twin !== undefined) {
    return [{ path, what: `writes table ${mine}, as asset ${twin.key} does`, fix: "set 'table' of one of them" }];
  }
  const owner = [...pipelines.values()].find(
    ({ warehouse, source }) => warehouse === ASSET_WAREHOUSE && source.tables.some((it) => overlaps(it, mine)),
  );
  if (owner === undefined) return [];
  const what = `writes table ${mine}, which pipeline ${owner.name} captures into the same warehouse`;
  return [{ path, what, fix: "choose another group, or set 'table'" }];
}

function tableName(asset: Pick<AssetDefinition, 'key' | 'table'>): string {
  const { schema, name } = assetTable(asset);
  return `${schema}.${name}`.toLowerCase();
}

function cycleProblems(assets: readonly ResolvedAsset[]): readonly Problem[] {
  const byKey = new Map(assets.map((asset) => [asset.key, asset]));
  const settled = new Set<string>();
  const cycleFrom = (key: string, trail: readonly string[]): readonly string[] | null => {
    if (trail.includes(key)) return [...trail.slice(trail.indexOf(key)), key];
    if (settled.has(key)) return null;
    for (const dep of byKey.get(key)?.deps ?? []) {
      const cycle = cycleFrom(dep, [...trail, key]);
      if (cycle !== null) return cycle;
    }
    settled.add(key);
    return null;
  };
  for (const { key } of assets) {
    const cycle = cycleFrom(key, []);
    if (cycle !== null)
      return [{ path: 'assets', what: `wait for each other: ${cycle.join(' → ')}`, fix: 'break the circle' }];
  }
  return [];
}
