// Rules for a project's derived assets: they form a graph, each key and table belongs to one asset, and what they read
// exists. Pure.

import type { LoadedAsset } from '../../workflows/model/asset/definition.ts';
import { type DeclaredDependency, dependencyOf } from '../../workflows/model/asset/dependency.ts';
import { basesOf, type GraphFault, graphFaults } from '../../workflows/model/asset/graph-fault.ts';
import { capturedKey, derivedPlace, parseCapturedKey } from '../../workflows/model/asset/key.ts';
import { dimensionNames } from '../../workflows/model/asset/partitioning.ts';
import { isCheckWord, isRangeWord, placeholderName, RANGE_WORDS } from '../../workflows/model/asset/placeholder.ts';
import { foldedName, parseTableId } from '../../workflows/model/relation.ts';
import { checkProblems } from './check-rules.ts';
import { contractProblems } from './contract-rules.ts';
import type { LoadedAssets } from './loaded-asset.ts';
import { nearestName } from './nearest-name.ts';
import { partitionProblems } from './partition-rules.ts';
import type { Problem } from './problem.ts';
import { ASSET_WAREHOUSE, type GraphlessProject } from './project.ts';
import { matchesTable, overlaps } from './table-pattern.ts';

/** Last parts of API paths below /api/assets/<key>: a key that ends in one could not be addressed. */
const RESERVED_NAMES = new Set(['materializations', 'partitions', 'materialize', 'why', 'checks']);
const RESERVED_SCHEMA = '_walflow';

export function assetProblems(project: GraphlessProject, loaded: LoadedAssets): readonly Problem[] {
  const { assets, paths } = loaded;
  const faults = graphFaults(assets, new Set(project.pipelines.keys()));
  return [
    ...noWarehouse(project, assets),
    ...faults.map((fault) => faultProblem(project, loaded, fault)),
    ...assets.flatMap((asset, i) => {
      const path = paths[i] ?? '';
      return [
        ...keyProblems(project, asset, `${path}.key`),
        ...previousKeyProblems(assets, i, `${path}.previousKeys`),
        ...readProblems(asset, `${path}.sql`),
        ...asset.deps.flatMap((dep, d) => captureProblems(project, dependencyOf(dep).key, depPath(loaded, i, d))),
        ...partitionProblems(asset, path),
        ...freshnessProblems(asset, `${path}.freshness`),
        ...checkProblems(asset, path),
        ...contractProblems(asset, path),
        ...tableProblems(project, assets, i, path),
      ];
    }),
    ...describedProblems(project, loaded),
  ];
}

/** A key that two assets claim would give the rows of one to the other. */
function previousKeyProblems(assets: readonly LoadedAsset[], i: number, path: string): readonly Problem[] {
  return (assets[i]?.previousKeys ?? []).flatMap((key, k): readonly Problem[] => {
    const place = `${path}[${k}]`;
    if (assets.some((other) => other.key === key)) {
      return [{ path: place, what: `names ${key}, which is the key of an asset`, fix: 'leave out one of them' }];
    }
    const twin = assets.slice(0, i).find((other) => other.previousKeys?.includes(key));
    if (twin === undefined) return [];
    return [{ path: place, what: `names ${key}, as asset ${twin.key} does`, fix: 'only one can be what it was' }];
  });
}

function readProblems({ depsFromSql, deps }: LoadedAsset, path: string): readonly Problem[] {
  if (!depsFromSql || deps.length > 0) return [];
  return [{ path, what: 'names no asset that it reads', fix: 'write {key} for the table of an asset' }];
}

/** What is read from SQL stands there. */
function depPath({ assets, paths }: LoadedAssets, asset: number, dep: number): string {
  return assets[asset]?.depsFromSql ? `${paths[asset]}.sql` : `${paths[asset]}.deps[${dep}]`;
}

function describedProblems(project: GraphlessProject, { described, describedPaths }: LoadedAssets): readonly Problem[] {
  return described.flatMap((table, i) => {
    const path = `${describedPaths[i]}.key`;
    const captured = parseCapturedKey(table.key, new Set(project.pipelines.keys()));
    if (captured === null || parseTableId(captured.table) === null) {
      const meant = nearestName(table.key, listedTables(project));
      const fix = meant === null ? 'write <pipeline>/<schema>.<table>' : didYouMean(meant);
      return [{ path, what: `names ${table.key}, which is no captured table`, fix }];
    }
    const isFirst = described.findIndex(({ key }) => key === table.key) === i;
    return [
      ...(isFirst ? [] : [{ path, what: `describes ${table.key} again`, fix: 'describe each table once' }]),
      ...captureProblems(project, table.key, path),
      ...freshnessProblems(table, `${describedPaths[i]}.freshness`),
    ];
  });
}

function noWarehouse({ warehouses }: GraphlessProject, assets: readonly LoadedAsset[]): readonly Problem[] {
  if (assets.length === 0 || warehouses.has(ASSET_WAREHOUSE)) return [];
  const what = `are made in warehouse ${ASSET_WAREHOUSE}, which is not defined`;
  return [{ path: 'assets', what, fix: `define warehouses.${ASSET_WAREHOUSE}` }];
}

function keyProblems({ pipelines }: GraphlessProject, { key }: LoadedAsset, path: string): readonly Problem[] {
  const parts = key.split('/');
  if (pipelines.has(parts[0] ?? '')) {
    const what = `${key} begins with the name of pipeline ${parts[0]}`;
    return [{ path, what, fix: 'keys that begin with a pipeline are its captured tables: choose another group' }];
  }
  if (RESERVED_NAMES.has(parts.at(-1) ?? '')) {
    return [{ path, what: `${key} ends in a word that the HTTP API uses`, fix: 'choose another last part' }];
  }
  const meaning = isRangeWord(key)
    ? "an asset's SQL stands for its partition"
    : isCheckWord(key) && 'a check stands for rows of its asset';
  if (meaning) return [{ path, what: `is ${key}, and {${key}} in ${meaning}`, fix: 'choose another key' }];
  return [];
}

/** A table that an asset reads must be captured, and into the warehouse of the assets. */
function captureProblems({ pipelines }: GraphlessProject, dep: string, path: string): readonly Problem[] {
  const captured = parseCapturedKey(dep, new Set(pipelines.keys()));
  const pipeline = captured === null ? undefined : pipelines.get(captured.pipeline);
  // Anything that is not a table is a fault of the graph.
  if (captured === null || pipeline === undefined || parseTableId(captured.table) === null) return [];
  if (!pipeline.source.tables.some((pattern) => matchesTable(pattern, captured.table))) {
    const fix = `add '${captured.table}' to pipelines.${pipeline.name}.source.tables`;
    return [{ path, what: `names ${captured.table}, which pipeline ${pipeline.name} does not capture`, fix }];
  }
  if (pipeline.warehouse === ASSET_WAREHOUSE) return [];
  const what = `names a table of warehouse ${pipeline.warehouse}; assets are made in ${ASSET_WAREHOUSE}`;
  return [{ path, what, fix: `merge pipeline ${pipeline.name} into warehouse ${ASSET_WAREHOUSE}` }];
}

/** A fault of the graph as a problem, with its path and what was most likely meant. */
function faultProblem(project: GraphlessProject, loaded: LoadedAssets, fault: GraphFault): Problem {
  const { assets, paths } = loaded;
  const { what } = fault;
  const path = `${paths[fault.asset]}`;
  const asset = assets[fault.asset];
  switch (fault.tag) {
    case 'duplicate-key':
      return { path: `${path}.key`, what, fix: 'give each asset a key of its own' };
    case 'unknown-dependency': {
      const wrong = keysOf(asset?.deps)[fault.dep] ?? '';
      const renamed = assets.find(({ previousKeys }) => previousKeys?.includes(wrong))?.key;
      const meant = renamed ?? nearestName(wrong, knownKeys(project, assets, fault.asset));
      const fix = meant === null ? 'name <pipeline>/<schema>.<table> or the key of another asset' : didYouMean(meant);
      return { path: depPath(loaded, fault.asset, fault.dep), what, fix };
    }
    case 'repeated-dependency':
      return { path: `${path}.deps[${fault.dep}]`, what, fix: 'name each dependency once' };
    case 'useless-column':
      return {
        path: `${path}.deps[${fault.dep}].by`,
        what,
        fix: "leave out 'by', 'zone' or 'lookup', or add partitions",
      };
    case 'wrong-base-column': {
      const reader = dependencyOf(asset?.deps[fault.dep] ?? '').key;
      const bases = basesOf(reader, new Map(assets.map((one) => [one.key, one])));
      const meant = nearestName(fault.name.replace(/\.[^.]*$/, ''), bases);
      const column = fault.name.split('.').at(-1) ?? '<column>';
      const fix = meant === null ? `write <key>.<column>, of ${bases.join(' or ')}` : didYouMean(`${meant}.${column}`);
      return { path: `${path}.deps[${fault.dep}].by`, what, fix };
    }
    case 'unknown-placeholder': {
      const words = asset?.partitions === undefined ? [] : RANGE_WORDS;
      const meant = nearestName(fault.name, [...keysOf(asset?.deps).map(placeholderName), ...words]);
      const fix = meant === null ? `add '${fault.name}' to the asset's deps` : didYouMean(`{${meant}}`);
      return { path: `${path}.sql`, what, fix };
    }
    case 'unknown-dimension':
    case 'missing-dimension': {
      const names = asset?.partitions === undefined ? [] : dimensionNames(asset.partitions);
      const meant = nearestName(fault.name, names);
      const all = `by: { ${names.map((name) => `${name}: '<column>'`).join(', ')} }`;
      const fix = fault.tag === 'missing-dimension' || meant === null ? `write ${all}` : didYouMean(meant);
      return { path: `${path}.deps[${fault.dep}].by`, what, fix };
    }
    case 'wrong-mapping': {
      const fix = 'leave out the mapping, write allPartitions(), or one by dimension: { day: samePartition() }';
      return { path: `${path}.deps[${fault.dep}].mapping`, what, fix };
    }
    case 'no-time':
      return { path: `${path}.sql`, what, fix: 'use {partition}, the key' };
    case 'unplaced-rows':
      return { path: `${path}.deps`, what, fix: "name the column: dep('<key>', { by: '<column>' })" };
    case 'no-partitions': {
      const fix = asset?.kind === 'view' ? 'leave it out: a view has no partitions' : 'add partitions: daily({ … })';
      return { path: `${path}.sql`, what, fix };
    }
    case 'cycle':
      return { path: 'assets', what, fix: 'break the circle' };
  }
}

const keysOf = (deps: readonly DeclaredDependency[] = []) => deps.map((dep) => dependencyOf(dep).key);

const didYouMean = (name: string) => `did you mean ${name}?`;

/** What an asset could read: captured tables that are listed by name, and other assets. */
function knownKeys(project: GraphlessProject, assets: readonly LoadedAsset[], reader: number): string[] {
  const others = assets.flatMap(({ key }, i) => (i === reader ? [] : [key]));
  return [...listedTables(project), ...others];
}

function listedTables({ pipelines }: GraphlessProject): string[] {
  const tables = [...pipelines.values()].flatMap(({ name, source }) =>
    source.tables.map((table) => capturedKey(name, table)),
  );
  return tables.filter((key) => !key.endsWith('.*'));
}

function freshnessProblems(
  { freshnessLimits: limits }: Pick<LoadedAsset, 'freshnessLimits'>,
  path: string,
): readonly Problem[] {
  if (limits === undefined || limits.warnAfterMs < limits.failAfterMs) return [];
  return [{ path: `${path}.warnAfter`, what: 'must be shorter than failAfter', fix: 'warn first, fail later' }];
}

function tableProblems(
  { pipelines }: GraphlessProject,
  assets: readonly LoadedAsset[],
  i: number,
  place: string,
): readonly Problem[] {
  const asset = assets[i];
  if (asset === undefined) return [];
  const path = `${place}.${asset.table === undefined ? 'key' : 'table'}`;
  const mine = tableName(asset);
  if (foldedName(derivedPlace(asset).schema) === RESERVED_SCHEMA) {
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

function tableName(asset: LoadedAsset): string {
  const { schema, name } = derivedPlace(asset);
  return foldedName(`${schema}.${name}`);
}
