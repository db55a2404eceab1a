// The state of derived assets: how many of their partitions are missing, stale and current, and since when something is due.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { AssetFigures, DerivedState, PartitionQuery, PartitionState } from '../../asset-order.ts';
import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';
import { statesSql } from './staleness-sql.ts';

interface FiguresRow {
  readonly asset: string;
  readonly missing: string;
  readonly stale: string;
  readonly current: string;
  readonly state: DerivedState;
  readonly since: string | null;
}

/** By key; all in one statement, because planning it takes longer than running it. */
export async function assetFigures(
  owner: DuckDbOwner,
  assets: readonly DerivedAsset[],
): Promise<ReadonlyMap<string, AssetFigures>> {
  if (assets.length === 0) return new Map();
  // With partitions, the row without one only says whether there may be more of them.
  const count = (state: string) =>
    `count(*) filter (state = '${state}' and (partition is not null or not partitioned))`;
  const rows = await owner.use((session) =>
    session.rows<FiguresRow>(
      `select asset, ${count('missing')} as missing, ${count('stale')} as stale, ${count('current')} as current,
         case when bool_and(state = 'current') then 'current' when bool_and(state = 'missing') then 'missing'
           else 'stale' end as state, ${isoText('min(since)')} as since
       from (${statesSql(assets)}) group by asset`,
    ),
  );
  return new Map(
    rows.map(({ asset, missing, stale, current, state, since }) => [
      asset,
      { missing: Number(missing), stale: Number(stale), current: Number(current), state, dueSince: since },
    ]),
  );
}

/** By key. */
export async function listPartitions(
  owner: DuckDbOwner,
  asset: DerivedAsset,
  { state, limit, cursor }: PartitionQuery,
): Promise<readonly PartitionState[]> {
  return await owner.use((session) =>
    session.rows<PartitionState>(
      `select partition, state, ${isoText('since')} as "dueSince" from (${statesSql([asset])})
       where partition is not null and state = coalesce($1::VARCHAR, state) and partition > coalesce($2::VARCHAR, '')
       order by partition limit $3`,
      [state ?? null, cursor ?? null, limit],
    ),
  );
}
