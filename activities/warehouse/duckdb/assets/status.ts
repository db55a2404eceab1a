// The state of a derived asset: which partitions exist, which are due, since when.

import type { AssetFigures } from '../../asset-order.ts';
import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';

/** Counts of one asset. */
export async function assetFigures(owner: DuckDbOwner, asset: string): Promise<AssetFigures> {
  const [row] = await owner.use((session) =>
    session.rows<{ done: string; stale: string; due: string | null }>(
      `select
         (select count(*) from (select distinct partition from _walflow.materializations where asset = $1)) as done,
         count(distinct partition) + coalesce(bool_or(partition is null), false)::INTEGER as stale, ${isoText('min(marked_at)')} as due
       from _walflow.dirty_partitions where asset = $1`,
      [asset],
    ),
  );
  return { done: Number(row?.done ?? 0), stale: Number(row?.stale ?? 0), dueSince: row?.due ?? null };
}
