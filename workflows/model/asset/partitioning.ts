// How an asset is divided: by time, by a list of values, or by two or three of these at once. The key of several is theirs in
// their order, joined by `|`: `2026-11-27|eu`.

import type { PartitionKey } from './partition.ts';
import { isSameGrid, isTimeKey, type TimePartitions, timeInstants, timeRange } from './time-partition.ts';

export interface StaticPartitions {
  readonly kind: 'static';
  readonly values: readonly string[];
  /** Column of the result that holds the value. */
  readonly output: string;
}

export type Dimension = TimePartitions | StaticPartitions;

export interface MultiPartitions {
  readonly kind: 'multi';
  /** By name, in the order of the key. */
  readonly dimensions: Readonly<Record<string, Dimension>>;
}

export type Partitions = Dimension | MultiPartitions;

/** One for each part of a key. */
export function dimensionsOf(partitions: Partitions): readonly Dimension[] {
  return partitions.kind === 'multi' ? Object.values(partitions.dimensions) : [partitions];
}

/** Names of the dimensions; none for partitions of one. */
export function dimensionNames(partitions: Partitions): readonly string[] {
  return partitions.kind === 'multi' ? Object.keys(partitions.dimensions) : [];
}

/** The columns of the result that hold a row's partition. */
export const outputsOf = (partitions: Partitions) => dimensionsOf(partitions).map(({ output }) => output);

/** The one division by time, and its place in the key; null if there is none, or more than one. */
export function timeDimension(partitions: Partitions): { readonly time: TimePartitions; readonly at: number } | null {
  const times = dimensionsOf(partitions).flatMap((time, at) => (time.kind === 'static' ? [] : [{ time, at }]));
  return times.length === 1 ? (times[0] ?? null) : null;
}

/** A value as part of a key: what divides and escapes is percent-encoded. */
export const keyOfValue = (value: string) => value.replaceAll('%', '%25').replaceAll('|', '%7C');

/** Every key, if none is by time: then they are as many as time goes on. */
export function listedKeys(partitions: Partitions): readonly PartitionKey[] | null {
  return dimensionsOf(partitions).reduce<readonly PartitionKey[] | null>((keys, dimension, i) => {
    if (keys === null || dimension.kind !== 'static') return null;
    const parts = dimension.values.map(keyOfValue);
    return i === 0 ? parts : keys.flatMap((key) => parts.map((part) => `${key}|${part}`));
  }, []);
}

export function isPartitionKey(partitions: Partitions, key: PartitionKey): boolean {
  const dimensions = dimensionsOf(partitions);
  const parts = key.split('|');
  return parts.length === dimensions.length && dimensions.every((one, i) => isPart(one, parts[i] ?? ''));
}

function isPart(dimension: Dimension, part: string): boolean {
  if (dimension.kind === 'static') return dimension.values.some((value) => keyOfValue(value) === part);
  if (!isTimeKey(dimension, part)) return false;
  const covered = timeRange(dimension);
  const { fromUs } = timeInstants(dimension, part);
  return covered.fromUs <= fromUs && fromUs < covered.toUs;
}

export function firstKey(partitions: Partitions): PartitionKey {
  return dimensionsOf(partitions)
    .map((one) => (one.kind === 'static' ? keyOfValue(one.values[0] ?? '') : one.start))
    .join('|');
}

/** Does a key mean the same in both, wherever both have it? */
export function isSameDivision(one: Partitions, other: Partitions): boolean {
  if (dimensionNames(one).join('|') !== dimensionNames(other).join('|')) return false;
  const others = dimensionsOf(other);
  return dimensionsOf(one).every((dimension, i) => isSameDimension(dimension, others[i]));
}

function isSameDimension(one: Dimension, other: Dimension | undefined): boolean {
  if (other === undefined || one.kind !== other.kind) return false;
  if (one.kind === 'static' || other.kind === 'static') return true;
  return isSameGrid(one, other);
}

/** One column, or one by dimension. */
export type PartitionColumns = string | Readonly<Record<string, string>>;

/** One for each dimension, in their order; null unless they fit. */
export function columnsOf(partitions: Partitions, by: PartitionColumns): readonly string[] | null {
  if (partitions.kind !== 'multi' || typeof by === 'string') {
    return partitions.kind !== 'multi' && typeof by === 'string' ? [by] : null;
  }
  const names = dimensionNames(partitions);
  const columns = names.flatMap((name) => by[name] ?? []);
  return columns.length === names.length && Object.keys(by).length === names.length ? columns : null;
}
