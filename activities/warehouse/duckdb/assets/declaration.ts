// Declarations of assets: as the configuration has them, and as the warehouse has noted them.

import type { BaseAsset, DerivedAsset, ViewAsset } from '../../../../workflows/model/asset/graph.ts';
import type { Declaration, StoredDeclaration } from '../../declaration.ts';
import { ownPlace, placeOfEdge } from '../merge/touched-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { codeVersionOf } from './asset-sql.ts';
import { IS_VIEW } from './view-row.ts';

export function declarationOf(asset: DerivedAsset | ViewAsset): Declaration {
  const { key, definition, place } = asset;
  const common = { asset: key, code: codeVersionOf(definition) };
  if (asset.tag === 'view') return { ...common, kind: 'view', reads: `${place.schema}.${place.name}` };
  return { ...common, kind: 'table', reads: readsOf(asset) };
}

/** ⚠ Merges only note changes of what is read now: where something else is read, records cannot tell any more what they lack. */
function readsOf(asset: DerivedAsset): string {
  return JSON.stringify([
    ownPlace(asset.definition),
    ...asset.inputs.map((edge) => [firstKeyOf(edge.from), placeOfEdge(edge)]),
  ]);
}

/** What it reads is the same under another key. */
const firstKeyOf = (asset: BaseAsset) =>
  (asset.tag === 'derived' ? asset.definition.previousKeys?.[0] : undefined) ?? asset.key;

/** Without partitions, as `readsOf` writes it. */
const IS_WHOLE = `reads like '["null"%'`;

export async function storedDeclarations(session: DuckDbSession): Promise<readonly StoredDeclaration[]> {
  const rows = await session.rows<StoredDeclaration & { readonly partitions: string }>(
    `select declared.asset, code_version as code, case when ${IS_VIEW} then 'view' else 'table' end as kind,
       case when ${IS_VIEW} then (reads::JSON ->> '$[1]') || '.' || (reads::JSON ->> '$[2]') else reads end as reads,
       case when ${IS_VIEW} then 0 else coalesce(computed, 0) end as partitions
     from (select assets.*, computed from _walflow.assets left join (
       select asset, count(*) filter (version > 0 and (partition is not null or ${IS_WHOLE})) as computed
       from _walflow.partitions join _walflow.assets using (asset) group by asset) using (asset)) declared
     order by declared.asset`,
  );
  return rows.map((row) => ({ ...row, partitions: Number(row.partitions) }));
}
