// The state of a derived asset: how many of its partitions are current, how many stale, since when.

import type { AssetFigures } from '../../asset-order.ts';
import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';

/** Counts of one asset. */
export async function assetFigures(owner: DuckDbOwner, asset: string): Promise<AssetFigures> {
  const [row] = await owner.use((session) =>
    session.rows<{ current: string; stale: string; due: string | null }>(
      `with marks as (from _walflow.dirty_partitions where asset = $asset),
         done as (select distinct partition from _walflow.materializations where asset = $asset),
         states as (select exists (from marks where partition is null)
           or coalesce(partition in (select partition from marks), false) as stale from done)
       select count(*) filter (not stale) as current, count(*) filter (stale) as stale,
         (select ${isoText('min(marked_at)')} from marks) as due
       from states`,
      { asset },
    ),
  );
  return { current: Number(row?.current ?? 0), stale: Number(row?.stale ?? 0), dueSince: row?.due ?? null };
}
