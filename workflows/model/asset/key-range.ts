// The keys of a range of partitions, in the order of time: what a command that names a range is about.

import { WalflowError } from '../errors.ts';
import type { PartitionKey } from './partition.ts';
import { type Dimension, dimensionsOf, keyOfValue, type Partitions, timeDimension } from './partitioning.ts';
import { gridRange, nextOnGrid, onClock, partitionsAt, type TimePartitions, timeInstants } from './time-partition.ts';

/** By the division by time; both ends are included. */
export interface KeyRange {
  readonly from?: PartitionKey;
  readonly to?: PartitionKey;
}

/**
 * The keys of a range that have begun; of divisions that are not by time, all.
 * @throws WalflowError ASSET_INVALID when an end is not a key, or there is no time to take a range of.
 */
export function keysInRange(partitions: Partitions, range: KeyRange, nowMs: number): readonly PartitionKey[] {
  const isRanged = range.from !== undefined || range.to !== undefined;
  if (isRanged && timeDimension(partitions) === null) {
    throw new WalflowError('ASSET_INVALID', 'a range needs partitions with one division by time');
  }
  const parts = dimensionsOf(partitions).map((dimension) => partsOf(dimension, range, nowMs));
  return parts.reduce((keys, next) => keys.flatMap((key) => next.map((part) => `${key}|${part}`)));
}

function partsOf(dimension: Dimension, range: KeyRange, nowMs: number): readonly PartitionKey[] {
  if (dimension.kind === 'static') return dimension.values.map(keyOfValue);
  return timeKeys(dimension, range, nowMs);
}

function timeKeys(time: TimePartitions, { from, to }: KeyRange, nowMs: number): readonly PartitionKey[] {
  const firstMs = from === undefined ? -Infinity : beginOf(time, from);
  const lastMs = Math.min(nowMs, to === undefined ? Infinity : beginOf(time, to));
  const covered = gridRange(time);
  const keys: PartitionKey[] = [];
  let clockMs = from === undefined ? covered.fromMs : Math.max(covered.fromMs, onClock(time, from).fromMs);
  for (; clockMs < covered.toMs; clockMs = nextOnGrid(time.kind, clockMs)) {
    for (const { key, fromMs } of partitionsAt(time, clockMs)) {
      if (fromMs > lastMs) return keys;
      if (fromMs >= firstMs) keys.push(key);
    }
  }
  return keys;
}

const beginOf = (time: TimePartitions, key: PartitionKey) => Number(timeInstants(time, key).fromUs / 1000n);
