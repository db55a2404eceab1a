// The statements of a backfill over its rows in `_walflow.backfill_partitions`: choosing, taking out what cannot be computed,
// and counting.

import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { BackfillOrder } from '../../backfill-order.ts';
import { statesSql } from '../assets/staleness-sql.ts';
import { literal } from '../identifier.ts';
import { mappedKeysSql } from '../mapping-sql.ts';
import type { DuckDbSession } from '../session.ts';

/** In the order of computation; a NULL partition is the whole of an asset without partitions. */
export const CHOSEN = '_walflow_chosen';

/**
 * Makes CHOSEN: what an order is about, as far as it is in the state asked for.
 * @returns how many partitions
 */
export async function choose(session: DuckDbSession, order: BackfillOrder): Promise<number> {
  await session.run(chooseSql(order, []));
  if (order.only === 'stale') {
    const chosen = await session.rows<{ asset: string }>(`select distinct asset from temp.main.${CHOSEN}`);
    const followers = readersOf(order, new Set(chosen.map(({ asset }) => asset)));
    if (followers.length > 0) await session.run(chooseSql(order, followers));
  }
  const [row] = await session.rows<{ all: string }>(`select count(*) as "all" from temp.main.${CHOSEN}`);
  return Number(row?.all ?? 0);
}

/** Assets that the chosen ones may make stale: which of their partitions, shows when their turn comes. */
function readersOf({ assets }: BackfillOrder, chosen: ReadonlySet<string>): readonly string[] {
  const changing = new Set(chosen);
  return assets.flatMap(({ asset: { key, inputs } }) => {
    if (!inputs.some(({ from, touch }) => touch.tag !== 'none' && changing.has(from.key))) return [];
    changing.add(key);
    return [key];
  });
}

/** @param followers assets of which all partitions are chosen */
function chooseSql({ assets, only }: BackfillOrder, followers: readonly string[]): string {
  const rows = assets.map(({ asset, layer, partitions }, place) => ({
    ...{ asset: asset.key, layer, place, partitions: partitions ?? [null] },
  }));
  const shape = JSON.stringify([{ asset: 'VARCHAR', layer: 'INTEGER', place: 'INTEGER', partitions: ['VARCHAR'] }]);
  // As JSON: a hundred thousand keys as VALUES take the parser longer than all the rest.
  const listed = `select asset, layer, place, unnest(partitions) as partition, generate_subscripts(partitions, 1) as nth
    from (select unnest(from_json(${literal(JSON.stringify(rows))}::JSON, ${literal(shape)}), recursive := true))`;
  const following = followers.length === 0 ? '' : `or listed.asset in (${followers.map(literal).join(', ')})`;
  const wanted =
    only === null
      ? ''
      : `left join (${statesSql(assets.map(({ asset }) => asset))}) known on known.asset = listed.asset
           and known.partition is not distinct from listed.partition
         where coalesce(known.state, 'missing') = ${literal(only)} ${following}`;
  return `create or replace temp table ${CHOSEN} as
    select listed.asset, layer, listed.partition, row_number() over (order by layer, place, nth) as position
    from (${listed}) listed ${wanted}`;
}

/** What reads a partition of the backfill that failed is left out of it. */
export function skipReadersSql(backfill: string, { key, inputs }: DerivedAsset): readonly string[] {
  return inputs.flatMap((edge) => {
    const failed = `_walflow.backfill_partitions
      where backfill = ${literal(backfill)} and asset = ${literal(edge.from.key)} and state in ('failed', 'skipped')`;
    const readers = readersSql(edge, failed);
    if (readers === null) return [];
    return `update _walflow.backfill_partitions set state = 'skipped', reason = ${literal(`${edge.from.key} failed`)}
      where backfill = ${literal(backfill)} and asset = ${literal(key)} and state = 'pending' and ${readers}`;
  });
}

/** Condition: a partition reads one of the failed ones, which are rows of `failed`. Of a table that is only looked up nothing is due. */
function readersSql({ touch }: AssetEdge, failed: string): string | null {
  if (touch.tag === 'none') return null;
  if (touch.tag !== 'mapped') return `exists (from ${failed})`;
  const keys = `select unnest(${mappedKeysSql(touch, 'partition')}) from ${failed}`;
  return `partition in (${keys})`;
}
