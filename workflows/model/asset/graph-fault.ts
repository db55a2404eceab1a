// Faults that keep definitions from forming a graph, each with its place and what is wrong. The fix depends on the rest of
// the project, so the caller adds it.

import { parseTableId } from '../relation.ts';
import type { LoadedAsset } from './definition.ts';
import { type Dependency, dependencyOf } from './dependency.ts';
import { parseCapturedKey } from './key.ts';
import { resolveMapping } from './mapping.ts';
import {
  columnsOf,
  dimensionNames,
  listedKeys,
  outputsOf,
  type PartitionColumns,
  type Partitions,
  timeDimension,
} from './partitioning.ts';
import { isRangeWord, piecesOf, placeholderName } from './placeholder.ts';
import { baseColumns } from './view-column.ts';

/** `asset` and `dep` count from 0. */
export type GraphFault = { readonly asset: number; readonly what: string } & (
  | { readonly tag: 'duplicate-key' }
  | {
      readonly tag: 'unknown-dependency' | 'repeated-dependency' | 'useless-column' | 'wrong-mapping';
      readonly dep: number;
    }
  | { readonly tag: 'wrong-base-column'; readonly dep: number; readonly name: string }
  | { readonly tag: 'unknown-dimension' | 'missing-dimension'; readonly dep: number; readonly name: string }
  | { readonly tag: 'unknown-placeholder' | 'no-partitions' | 'no-time'; readonly name: string }
  | { readonly tag: 'unplaced-rows' }
  | { readonly tag: 'cycle' }
);

/** None = `buildAssetGraph` can build it. */
export function graphFaults(assets: readonly LoadedAsset[], pipelines: ReadonlySet<string>): readonly GraphFault[] {
  const byKey = new Map(assets.map((asset) => [asset.key, asset]));
  return [
    ...assets.flatMap((asset, i) => [
      ...duplicateFaults(assets, asset, i),
      ...dependencyFaults(asset, i, byKey, pipelines),
      ...asset.deps.flatMap((dep, d) => columnFaults(asset, dependencyOf(dep), i, d, byKey)),
      ...asset.deps.flatMap((dep, d) => mappingFaults(asset, dependencyOf(dep), i, d, byKey)),
      ...placeholderFaults(asset, i),
      ...placeFaults(asset, i, byKey),
    ]),
    ...cycleFaults(assets, byKey),
  ];
}

function duplicateFaults(assets: readonly LoadedAsset[], { key }: LoadedAsset, i: number): GraphFault[] {
  const isFirst = assets.findIndex((other) => other.key === key) === i;
  return isFirst ? [] : [{ tag: 'duplicate-key', asset: i, what: `${key} is declared twice` }];
}

function dependencyFaults(
  { deps }: LoadedAsset,
  i: number,
  byKey: ReadonlyMap<string, LoadedAsset>,
  pipelines: ReadonlySet<string>,
): GraphFault[] {
  const keys = deps.map((dep) => dependencyOf(dep).key);
  return keys.flatMap((key, dep): GraphFault[] => {
    if (keys.indexOf(key) < dep) return [{ tag: 'repeated-dependency', asset: i, dep, what: `names ${key} again` }];
    const captured = parseCapturedKey(key, pipelines);
    if (captured === null ? byKey.has(key) : parseTableId(captured.table) !== null) return [];
    return [{ tag: 'unknown-dependency', asset: i, dep, what: `names ${key}, which does not exist` }];
  });
}

/** A column that decides nothing is a misunderstanding, and each dimension needs one. */
function columnFaults(
  { partitions }: LoadedAsset,
  { key, by, zone, lookup }: Dependency,
  i: number,
  dep: number,
  byKey: ReadonlyMap<string, LoadedAsset>,
): GraphFault[] {
  const fault = { tag: 'useless-column', asset: i, dep } as const;
  if (by === undefined) return zone === undefined ? [] : [{ ...fault, what: `names zone ${zone}, but no column` }];
  const named = typeof by === 'string' ? by : Object.values(by).join(', ');
  if (partitions === undefined) return [{ ...fault, what: `names column ${named}, but the asset has no partitions` }];
  if (lookup === true) return [{ ...fault, what: `names column ${named} of a lookup, whose rows make nothing due` }];
  const isView = byKey.get(key)?.kind === 'view';
  if (isView && partitions.kind !== 'multi')
    return baseColumnFaults({ by, partitions, bases: basesOf(key, byKey) }, i, dep);
  const names = dimensionNames(partitions);
  const given = typeof by === 'string' ? [] : Object.keys(by);
  const unknown = given.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const what = `names dimension ${unknown}, which the partitions do not have`;
    return [{ tag: 'unknown-dimension', asset: i, dep, name: unknown, what }];
  }
  const missing = names.find((name) => !given.includes(name));
  if (missing === undefined)
    return isView ? baseColumnFaults({ by, partitions, bases: basesOf(key, byKey) }, i, dep) : [];
  return [{ tag: 'missing-dimension', asset: i, dep, name: missing, what: `names no column for dimension ${missing}` }];
}

/** Of a view, `by` names columns of a table that it reads. */
function baseColumnFaults(
  { by, partitions, bases }: { by: PartitionColumns; partitions: Partitions; bases: readonly string[] },
  i: number,
  dep: number,
): GraphFault[] {
  const columns = baseColumns(by, partitions, bases);
  if (columns.tag === 'columns') return [];
  return [{ tag: 'wrong-base-column', asset: i, dep, name: columns.name, what: columns.what }];
}

/** The tables that a view reads, itself or through other views; of views in a circle each once. */
export function basesOf(
  key: string,
  byKey: ReadonlyMap<string, LoadedAsset>,
  seen: ReadonlySet<string> = new Set(),
): readonly string[] {
  const asset = byKey.get(key);
  if (asset?.kind !== 'view') return [key];
  if (seen.has(key)) return [];
  const within = new Set([...seen, key]);
  return [...new Set(asset.deps.flatMap((dep) => basesOf(dependencyOf(dep).key, byKey, within)))];
}

function mappingFaults(
  { partitions }: LoadedAsset,
  { key, by, lookup, mapping }: Dependency,
  i: number,
  dep: number,
  byKey: ReadonlyMap<string, LoadedAsset>,
): GraphFault[] {
  if (mapping === undefined) return [];
  const fault = (what: string): GraphFault[] => [{ tag: 'wrong-mapping', asset: i, dep, what }];
  if (lookup === true || by !== undefined) return fault(`stands beside ${by === undefined ? 'lookup' : 'by'}`);
  const of = byKey.get(key)?.partitions;
  if (of === undefined) return fault(`maps the partitions of ${key}, which has none`);
  if (partitions === undefined) return fault('maps to partitions, but the asset has none');
  const resolved = resolveMapping(of, partitions, mapping);
  return resolved.tag === 'fault' ? fault(resolved.what) : [];
}

/** Partitions by time are those that dependencies have rows of; others are listed. */
function placeFaults(
  { deps, partitions }: LoadedAsset,
  i: number,
  byKey: ReadonlyMap<string, LoadedAsset>,
): GraphFault[] {
  if (partitions === undefined || listedKeys(partitions) !== null) return [];
  const tells = ({ key, by, lookup, mapping }: Dependency): boolean => {
    const input = byKey.get(key);
    if (lookup === true) return false;
    if (input === undefined) return by !== undefined;
    if (input.kind === 'view') {
      const columns = by === undefined ? null : baseColumns(by, partitions, basesOf(key, byKey));
      return columns?.tag === 'columns' && tells({ key: columns.base, by: columns.by });
    }
    const of = input.partitions;
    if (of === undefined || resolveMapping(of, partitions, mapping).tag !== 'mapped') return false;
    return by === undefined || columnsOf(of, by)?.join() === outputsOf(of).join();
  };
  if (deps.map(dependencyOf).some(tells)) return [];
  return [
    { tag: 'unplaced-rows', asset: i, what: 'has partitions, but no dependency tells which rows belong to which' },
  ];
}

/** `{a/b}` must be a dependency, else the run would read what the asset does not wait for. */
function placeholderFaults({ sql, deps, partitions }: LoadedAsset, i: number): GraphFault[] {
  const known = new Set(deps.map((dep) => placeholderName(dependencyOf(dep).key)));
  const names = new Set(piecesOf(sql).flatMap((piece) => (piece.tag === 'placeholder' ? [piece.name] : [])));
  return [...names].flatMap((name): GraphFault[] => {
    if (!isRangeWord(name)) {
      if (known.has(name)) return [];
      return [{ tag: 'unknown-placeholder', asset: i, name, what: `reads {${name}}, which is not in deps` }];
    }
    if (partitions !== undefined) {
      if (name === 'partition' || timeDimension(partitions) !== null) return [];
      return [{ tag: 'no-time', asset: i, name, what: `uses {${name}}, but its partitions are not by one time` }];
    }
    return [{ tag: 'no-partitions', asset: i, name, what: `uses {${name}}, but the asset has no partitions` }];
  });
}

/** Reports the first circle; another one may hide behind it. */
function cycleFaults(assets: readonly LoadedAsset[], byKey: ReadonlyMap<string, LoadedAsset>): GraphFault[] {
  const settled = new Set<string>();
  const cycleFrom = (key: string, trail: readonly string[]): readonly string[] | null => {
    if (trail.includes(key)) return [...trail.slice(trail.indexOf(key)), key];
    if (settled.has(key)) return null;
    for (const dep of byKey.get(key)?.deps ?? []) {
      const cycle = cycleFrom(dependencyOf(dep).key, [...trail, key]);
      if (cycle !== null) return cycle;
    }
    settled.add(key);
    return null;
  };
  for (const [i, { key }] of assets.entries()) {
    const cycle = cycleFrom(key, []);
    if (cycle !== null) return [{ tag: 'cycle', asset: i, what: `wait for each other: ${cycle.join(' → ')}` }];
  }
  return [];
}
