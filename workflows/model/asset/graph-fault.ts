// Faults that keep definitions from forming a graph, each with its place and what is wrong. The fix depends on the rest of
// the project, so the caller adds it.

import { parseTableId } from '../relation.ts';
import type { AssetDefinition } from './definition.ts';
import { parseCapturedKey } from './key.ts';
import { piecesOf, placeholderName, RANGE_WORDS } from './placeholder.ts';

/** `asset` and `dep` count from 0. */
export type GraphFault = { readonly asset: number; readonly what: string } & (
  | { readonly tag: 'duplicate-key' }
  | { readonly tag: 'unknown-dependency'; readonly dep: number }
  | { readonly tag: 'unknown-placeholder' | 'no-partitions'; readonly name: string }
  | { readonly tag: 'cycle' }
);

/** None = `buildAssetGraph` can build it. */
export function graphFaults(assets: readonly AssetDefinition[], pipelines: ReadonlySet<string>): readonly GraphFault[] {
  const byKey = new Map(assets.map((asset) => [asset.key, asset]));
  return [
    ...assets.flatMap((asset, i) => [
      ...duplicateFaults(assets, asset, i),
      ...dependencyFaults(asset, i, byKey, pipelines),
      ...placeholderFaults(asset, i),
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
  return deps.flatMap((key, dep): GraphFault[] => {
    const captured = parseCapturedKey(key, pipelines);
    if (captured === null ? byKey.has(key) : parseTableId(captured.table) !== null) return [];
    return [{ tag: 'unknown-dependency', asset: i, dep, what: `names ${key}, which does not exist` }];
  });
}

/** `{a/b}` must be a dependency, else the run would read what the asset does not wait for. */
function placeholderFaults({ sql, deps, partitions }: AssetDefinition, i: number): GraphFault[] {
  const known = new Set(deps.map(placeholderName));
  const names = new Set(piecesOf(sql).flatMap((piece) => (piece.tag === 'placeholder' ? [piece.name] : [])));
  return [...names].flatMap((name): GraphFault[] => {
    if (!RANGE_WORDS.includes(name)) {
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
      const cycle = cycleFrom(dep, [...trail, key]);
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
