// Faults that keep definitions from forming a graph, each with its place and what is wrong. The fix depends on the rest of
// the project, so the caller adds it.

import { parseTableId } from '../relation.ts';
import type { AssetDefinition } from './definition.ts';
import { type Dependency, dependencyOf } from './dependency.ts';
import { parseCapturedKey } from './key.ts';
import { isRangeWord, piecesOf, placeholderName } from './placeholder.ts';
import { isSameGrid } from './time-partition.ts';

/** `asset` and `dep` count from 0. */
export type GraphFault = { readonly asset: number; readonly what: string } & (
  | { readonly tag: 'duplicate-key' }
  | { readonly tag: 'unknown-dependency' | 'repeated-dependency' | 'useless-column'; readonly dep: number }
  | { readonly tag: 'unknown-placeholder' | 'no-partitions'; readonly name: string }
  | { readonly tag: 'unplaced-rows' }
  | { readonly tag: 'cycle' }
);

/** None = `buildAssetGraph` can build it. */
export function graphFaults(assets: readonly AssetDefinition[], pipelines: ReadonlySet<string>): readonly GraphFault[] {
  const byKey = new Map(assets.map((asset) => [asset.key, asset]));
  return [
    ...assets.flatMap((asset, i) => [
      ...duplicateFaults(assets, asset, i),
      ...dependencyFaults(asset, i, byKey, pipelines),
      ...asset.deps.flatMap((dep, d) => columnFaults(asset, dependencyOf(dep), i, d)),
      ...placeholderFaults(asset, i),
      ...placeFaults(asset, i, byKey),
    ]),
    ...cycleFaults(assets, byKey),
  ];
}

function duplicateFaults(assets: readonly AssetDefinition[], { key }: AssetDefinition, i: number): GraphFault[] {
  const isFirst = assets.findIndex((other) => other.key === key) === i;
  return isFirst ? [] : [{ tag: 'duplicate-key', asset: i, what: `${key} is declared twice` }];
}

function dependencyFaults(
  { deps }: AssetDefinition,
  i: number,
  byKey: ReadonlyMap<string, AssetDefinition>,
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

/** A column that decides nothing is a misunderstanding. */
function columnFaults(
  { partitions }: AssetDefinition,
  { by, zone, lookup }: Dependency,
  i: number,
  dep: number,
): GraphFault[] {
  const fault = { tag: 'useless-column', asset: i, dep } as const;
  if (by === undefined) return zone === undefined ? [] : [{ ...fault, what: `names zone ${zone}, but no column` }];
  if (partitions === undefined) return [{ ...fault, what: `names column ${by}, but the asset has no partitions` }];
  return lookup === true ? [{ ...fault, what: `names column ${by} of a lookup, whose rows make nothing due` }] : [];
}

/** Which partitions there are is seen in the rows of the dependencies. */
function placeFaults(
  { deps, partitions }: AssetDefinition,
  i: number,
  byKey: ReadonlyMap<string, AssetDefinition>,
): GraphFault[] {
  const tells = ({ key, by, lookup }: Dependency) => {
    const input = byKey.get(key);
    if (lookup === true || partitions === undefined) return false;
    if (input === undefined) return by !== undefined;
    const of = input.partitions;
    return of !== undefined && isSameGrid(of, partitions) && (by === undefined || by === of.output);
  };
  if (partitions === undefined || deps.map(dependencyOf).some(tells)) return [];
  return [
    { tag: 'unplaced-rows', asset: i, what: 'has partitions, but no dependency tells which rows belong to which' },
  ];
}

/** `{a/b}` must be a dependency, else the run would read what the asset does not wait for. */
function placeholderFaults({ sql, deps, partitions }: AssetDefinition, i: number): GraphFault[] {
  const known = new Set(deps.map((dep) => placeholderName(dependencyOf(dep).key)));
  const names = new Set(piecesOf(sql).flatMap((piece) => (piece.tag === 'placeholder' ? [piece.name] : [])));
  return [...names].flatMap((name): GraphFault[] => {
    if (!isRangeWord(name)) {
      if (known.has(name)) return [];
      return [{ tag: 'unknown-placeholder', asset: i, name, what: `reads {${name}}, which is not in deps` }];
    }
    if (partitions !== undefined) return [];
    return [{ tag: 'no-partitions', asset: i, name, what: `uses {${name}}, but the asset has no partitions` }];
  });
}

/** Reports the first circle; another one may hide behind it. */
function cycleFaults(assets: readonly AssetDefinition[], byKey: ReadonlyMap<string, AssetDefinition>): GraphFault[] {
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
