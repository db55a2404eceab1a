// Which partitions of an asset read which partitions of another one. Dimensions are mapped one by one, by their names.

import { type Dimension, dimensionNames, dimensionsOf, isSameDivision, type Partitions } from './partitioning.ts';
import { zoneOf } from './time-partition.ts';

export type PartitionMapping =
  /** A partition reads what overlaps it: by time, from `start` partitions of its own kind before it to `end` behind it. */
  | { readonly kind: 'same'; readonly start: number; readonly end: number }
  /** Each partition reads all of them. */
  | { readonly kind: 'all' };

/** For all dimensions, or one by dimension: those that are not named are read as a whole. */
export type DependencyMapping = PartitionMapping | Readonly<Record<string, PartitionMapping>>;

/** How one dimension follows from a key of the input: from its part `at`, or not at all. */
export type DimensionMapping =
  | { readonly kind: 'same'; readonly at: number; readonly start: number; readonly end: number }
  | { readonly kind: 'all' };

export type ResolvedMapping =
  | { readonly tag: 'whole' }
  /** One for each dimension of the reader. */
  | { readonly tag: 'mapped'; readonly mapping: readonly DimensionMapping[] }
  | { readonly tag: 'fault'; readonly what: string };

const SAME: PartitionMapping = { kind: 'same', start: 0, end: 0 };

/** Without a mapping only partitions of the same division are mapped; anything else is read as a whole. */
export function resolveMapping(from: Partitions, to: Partitions, mapping?: DependencyMapping): ResolvedMapping {
  if (mapping === undefined) return isSameDivision(from, to) ? resolveMapping(from, to, SAME) : { tag: 'whole' };
  const named = isOne(mapping) ? byName(from, to, mapping) : { ...mapping };
  if (named === null) return { tag: 'fault', what: 'maps partitions of other dimensions without naming one' };
  const [fromNames, toNames] = [namesFor(from, to, named), namesFor(to, from, named)];
  const unknown = Object.keys(named).find((name) => !fromNames.includes(name) || !toNames.includes(name));
  if (unknown !== undefined) return { tag: 'fault', what: `maps dimension ${unknown}, which not both have` };
  const [inputs, own] = [dimensionsOf(from), dimensionsOf(to)];
  const dimensions = toNames.map((name): DimensionMapping => {
    const one = named[name] ?? { kind: 'all' };
    return one.kind === 'all' ? one : { ...one, at: fromNames.indexOf(name) };
  });
  for (const [i, one] of dimensions.entries()) {
    const what = one.kind === 'same' ? faultOf(inputs[one.at], own[i], one) : null;
    if (what !== null) return { tag: 'fault', what };
  }
  // As many as time goes on.
  const endless = dimensions.some(({ kind }, i) => kind === 'all' && own[i]?.kind !== 'static');
  return endless ? { tag: 'whole' } : { tag: 'mapped', mapping: dimensions };
}

const isOne = (mapping: DependencyMapping): mapping is PartitionMapping => typeof mapping.kind === 'string';

/** One mapping for dimensions of the same names, or for the only ones; null for others. */
function byName(from: Partitions, to: Partitions, one: PartitionMapping) {
  const names = dimensionNames(to);
  if (dimensionNames(from).join('|') !== names.join('|')) return one.kind === 'all' ? {} : null;
  return Object.fromEntries((names.length === 0 ? [''] : names).map((name) => [name, one]));
}

/** The only dimension goes by the name of its counterpart. */
function namesFor(partitions: Partitions, other: Partitions, named: Readonly<Record<string, PartitionMapping>>) {
  if (partitions.kind === 'multi') return dimensionNames(partitions);
  const [name = ''] = Object.keys(named);
  return other.kind === 'multi' || name === '' ? [name] : [];
}

function faultOf(
  from: Dimension | undefined,
  to: Dimension | undefined,
  { start, end }: Extract<PartitionMapping, { kind: 'same' }>,
): string | null {
  if (from === undefined || to === undefined) return null;
  const cannot = `maps ${from.kind} partitions to ${to.kind} ones`;
  const moved = start !== 0 || end !== 0;
  if (start > end) return 'has a window that ends before it starts';
  if (from.kind === 'static' || to.kind === 'static') {
    if (from.kind !== to.kind) return cannot;
    return moved ? 'has a window over partitions that are not by time' : null;
  }
  if (zoneOf(from) !== zoneOf(to)) return `${cannot} of another time zone`;
  const isOneToOne = from.kind === 'hourly' && !moved;
  return to.kind === 'hourly' && !isOneToOne && zoneOf(to) !== 'UTC'
    ? `${cannot} in a zone whose clock may change`
    : null;
}
