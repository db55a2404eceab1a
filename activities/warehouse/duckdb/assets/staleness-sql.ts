// Whether a partition is missing, stale or current: its code is compared with the declared one, and the versions of the input
// partitions it maps to with the positions up to which its newest record read them. One statement answers for any number of
// assets and partitions: none is looked at alone.

import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { literal } from '../identifier.ts';
import { mappedKeysSql } from '../mapping-sql.ts';
import { EVERY_ROW, placeOfEdge } from '../merge/touched-sql.ts';

/** As a list, like what `mappedKeysSql` makes. */
const SAME_PARTITION = '[touched.partition]';

/**
 * SELECT: each known partition once, with columns asset, partition, partitioned, no, version, run_id, state (`missing`, `stale`, `current`),
 * cause (why it is not current: `missing`; `touched` = itself, by its mapping; `code`; `whole` = only as all others; else NULL),
 * wholly (some change concerns it as all others), since (when the oldest change that it lacks came) and seq (the newest such
 * change; 0 for other code). The row without a partition is the whole of an asset without partitions; with partitions, it is
 * stale when the inputs must be searched for new ones.
 */
export function statesSql(assets: readonly DerivedAsset[]): string {
  const { edges, mapped } = edgesSql(assets);
  return `
  with assets as (${assetsSql(assets)}), edges as (${edges}),
  stored as (
    select stored.* from _walflow.partitions stored join assets using (asset) where partitioned or partition is null),
  own as (
    select own.*, declared_at, own.code_version is distinct from declared.code_version as outdated
    from (from stored union all by name
      select asset from assets where asset not in (select asset from stored where partition is null)) own
    left join _walflow.assets declared using (asset)),
  reads as (select edges.*, min(coalesce(positions[input], 0)) as seen from edges join own using (asset) group by all),
  unseen as (${unseenSql(mapped)}),
  fresh as (
    select asset, coalesce(partition, '') as slot, max(seq) as seq, min(touched_at) as touched_at,
      bool_or(whole) as wholly, not bool_and(whole) as singly from unseen group by all)
  select coalesce(own.asset, fresh.asset) as asset, coalesce(partition, nullif(slot, '')) as partition, partitioned, no,
    coalesce(version, 0) as version, run_id,
    case when coalesce(version, 0) = 0 then 'missing' when outdated or seq is not null then 'stale' else 'current' end as state,
    case when coalesce(version, 0) = 0 then 'missing' when singly or (wholly and not partitioned) then 'touched'
      when outdated then 'code' when wholly then 'whole' end as cause, coalesce(wholly, false) as wholly,
    least(case when outdated then declared_at end, case when seq is not null then greatest(computed_at, touched_at) end)
      as since,
    case when outdated then 0 else coalesce(seq, 0) end as seq
  from own full join fresh on own.asset = fresh.asset and coalesce(partition, '') = slot
  join assets on assets.asset = coalesce(own.asset, fresh.asset)`;
}

/** SELECT: what partitions lack, each with asset, partition, seq, touched_at, and whether it concerns them as a whole. */
function unseenSql(mapped: string): string {
  // What concerns all partitions is first brought down to a few rows an input: many assets may read the same one.
  return `
    select own.asset, own.partition, common.seq, common.touched_at, common.whole
    from own join (
      select asset, reads.input, whole, max(step.seq) as seq, min(step.touched_at) as touched_at
      from reads join (
        select source, place, partition is null as concerns_all, seq, min(touched_at) as touched_at
        from _walflow.touched join (select input, min(seen) as seen from reads group by input) on source = input
        where seq > seen group by all) step on step.source = reads.input
      where step.seq > seen and (whole or (concerns_all and step.place in (${literal(EVERY_ROW)}, reads.place)))
      group by all) common using (asset)
    where common.seq > coalesce(own.positions[common.input], 0)
    union all
    select news.asset, news.partition, news.seq, news.touched_at, false
    from (select asset, input, unnest(${mapped}) as partition, seq, touched_at
      from edges join _walflow.touched touched on source = input and touched.place = edges.place
      where not whole and touched.partition is not null) news
    left join own on own.asset = news.asset and own.partition = news.partition
    where news.partition is not null and news.seq > coalesce(own.positions[news.input], 0)`;
}

function assetsSql(assets: readonly DerivedAsset[]): string {
  const rows = assets.map(({ key, definition }) => ({ asset: key, partitioned: definition.partitions !== undefined }));
  return relation(rows, { asset: 'VARCHAR', partitioned: 'BOOLEAN' });
}

/**
 * The edges as a relation, and the expression that maps the partition of a touch to those of its reader. A table that is only
 * looked up makes nothing stale.
 */
function edgesSql(assets: readonly DerivedAsset[]): { readonly edges: string; readonly mapped: string } {
  const mappings = [SAME_PARTITION];
  const rows = assets.flatMap(({ inputs }) =>
    inputs.flatMap((edge) => {
      if (edge.touch.tag === 'none') return [];
      const mapping = mappingSql(edge);
      if (!mappings.includes(mapping)) mappings.push(mapping);
      const whole = edge.touch.tag === 'whole';
      return [
        { asset: edge.to, input: edge.from.key, place: placeOfEdge(edge), whole, mapping: mappings.indexOf(mapping) },
      ];
    }),
  );
  const shape = { asset: 'VARCHAR', input: 'VARCHAR', place: 'VARCHAR', whole: 'BOOLEAN', mapping: 'INTEGER' };
  const cases = mappings.map((mapping, i) => `when ${i} then ${mapping}`);
  return { edges: relation(rows, shape), mapped: `case mapping ${cases.join(' ')} end` };
}

/** The partitions of a captured table are placed as the reader places them; a derived asset changes by its own. */
const mappingSql = ({ touch }: AssetEdge) =>
  touch.tag === 'mapped' ? mappedKeysSql(touch, 'touched.partition') : SAME_PARTITION;

/** As JSON: thousands of rows as VALUES take the parser longer than the query. */
function relation(rows: readonly object[], shape: Readonly<Record<string, string>>): string {
  const types = literal(JSON.stringify([shape]));
  return `select unnest(from_json(${literal(JSON.stringify(rows))}::JSON, ${types}), recursive := true)`;
}
