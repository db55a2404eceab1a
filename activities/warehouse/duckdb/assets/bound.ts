// The column by which `{start}` and `{end}` bound an asset's rows: they are values of its type. Columns whose values belong to
// no partition are refused here, before anything is computed.

import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { type Bound, boundTypeOf } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';

/**
 * Of the first dependency that says which rows belong to which partition.
 * @throws WalflowError ASSET_FAILED
 */
export async function readBound(session: DuckDbSession, asset: DerivedAsset): Promise<Bound> {
  const bounds: Bound[] = [];
  for (const edge of asset.inputs) {
    const bound = await boundOf(session, asset.key, edge);
    if (bound !== null) bounds.push(bound);
  }
  return bounds[0] ?? { type: 'TIMESTAMPTZ' };
}

async function boundOf(session: DuckDbSession, asset: string, { from, touch }: AssetEdge): Promise<Bound | null> {
  if (touch.tag === 'whole' || touch.tag === 'none') return null;
  const { column } = touch;
  const [found] = await session.rows<{ type: string }>(
    `select data_type as type from duckdb_columns()
     where lower(schema_name) = lower($1) and lower(table_name) = lower($2) and lower(column_name) = lower($3)`,
    [from.place.schema, from.place.name, column],
  );
  const partitions = touch.tag === 'mapped' ? touch.to : touch.partitions;
  const type = found === undefined ? null : boundTypeOf(partitions, found.type);
  if (type !== null)
    return { type, ...(touch.tag === 'mapped' || touch.zone === undefined ? {} : { zone: touch.zone }) };
  const what =
    found === undefined
      ? 'which does not exist'
      : `whose type ${found.type} has no place in ${partitions.kind} partitions`;
  throw new WalflowError('ASSET_FAILED', `${asset} is partitioned by ${column} of ${from.key}, ${what}`);
}
