// Which partitions ended in a span of time: what a schedule has to compute at the end of it.

import type { PartitionKey } from './partition.ts';
import { dimensionsOf, keyOfValue, listedKeys, type Partitions, timeDimension } from './partitioning.ts';
import { endingKeys } from './time-partition.ts';

/** After `fromMs`, up to and with `toMs`. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Can it be said when a partition ends? Not if it is a combination of two times. */
export const hasEnds = (partitions: Partitions) =>
  timeDimension(partitions) !== null || listedKeys(partitions) !== null;

/** Those that ended, in the order of time; of partitions that are not by time, which never end, all. */
export function endedPartitions(partitions: Partitions, span: Span): readonly PartitionKey[] {
  const found = timeDimension(partitions);
  if (found === null) return listedKeys(partitions) ?? [];
  const parts = dimensionsOf(partitions).map((one, at) =>
    at === found.at || one.kind !== 'static' ? endingKeys(found.time, span) : one.values.map(keyOfValue),
  );
  return parts.reduce((keys, part) => keys.flatMap((key) => part.map((one) => `${key}|${one}`)));
}
