// What automation runs by itself. ⚠ A change that concerns all partitions alike, or other code, must not start a run of every
// partition: they stay stale, for all to see, until they are asked for.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { timeDimension } from '../../../../workflows/model/asset/partitioning.ts';
import { keyAt } from '../../../../workflows/model/asset/time-partition.ts';
import { restsSql } from '../assets/withheld-sql.ts';
import { literal } from '../identifier.ts';

/** A condition on rows of `statesSql`. */
export function eagerSql(assets: readonly DerivedAsset[], nowMs: number): string {
  const partitioned = assets.filter(({ definition }) => definition.partitions !== undefined);
  const keysOf = (some: readonly DerivedAsset[]) => some.map(({ key }) => literal(key)).join(', ');
  const wholly = partitioned.filter(({ definition }) => definition.automation?.scope === 'all');
  const byCode = partitioned.filter(({ definition }) => definition.automation?.onCodeChange === 'all');
  const conditions = [
    `not partitioned or cause in ('missing', 'touched')`,
    ...(wholly.length === 0 ? [] : [`wholly and asset in (${keysOf(wholly)})`]),
    ...(byCode.length === 0 ? [] : [`cause = 'code' and asset in (${keysOf(byCode)})`]),
    ...partitioned.flatMap((asset) => latestSql(asset, nowMs) ?? []),
  ];
  return `state <> 'current' and (${conditions.join(' or ')}) and not ${restsSql(nowMs)}`;
}

/** The partition by time that is now: nobody wants to wait for it, and it is only one. */
function latestSql({ key, definition: { partitions }, inputs }: DerivedAsset, nowMs: number): string | null {
  if (partitions === undefined || !inputs.some(({ touch }) => touch.tag === 'whole')) return null;
  const division = timeDimension(partitions);
  const latest = division === null ? null : keyAt(division.time, nowMs);
  if (division === null || latest === null) return null;
  return `wholly and asset = ${literal(key)} and split_part(partition, '|', ${division.at + 1}) = ${literal(latest)}`;
}
