// How a derived asset stands: which partitions were made, which are due again, since when.

import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';

export interface AssetFigures {
  /** Partitions that were materialized at least once; 1 or 0 for an asset without partitions. */
  readonly done: number;
  /** Partitions whose input changed since. */
  readonly stale: number;
  /** When the oldest change that is not in the asset was merged; ISO 8601 UTC, null when nothing is due. */
  readonly dueSince: string | null;
}

/** Counts of one asset. */
export async function assetFigures(owner: DuckDbOwner, asset: string): Promise<AssetFigures> {
  const [row] = await owner.use((session) =>
    session.rows<{ done: string; stale: string; due: string | null }>(
      `select
         (select count(*) from (select distinct partition from _walflow.materializations where asset = $1)) as done,
         count(distinct coalesce(partition::VARCHAR, 'whole')) as stale, ${isoText('min(marked_at)')} as due
       from _walflow.dirty_partitions where asset = $1`,
      [asset],
    ),
  );
  return { done: Number(row?.done ?? 0), stale: Number(row?.stale ?? 0), dueSince: row?.due ?? null };
}
