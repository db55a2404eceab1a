// The column by which `{start}` and `{end}` bound an asset's rows: they are values of its type. Columns whose values belong to
// no partition are refused here, before anything is computed.

import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { dimensionsOf, timeDimension } from '../../../../workflows/model/asset/partitioning.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { type Bound, boundTypeOf, isPlaceable } from '../partition-sql.ts';
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
  const partitions = touch.tag === 'mapped' ? touch.from : touch.partitions;
  const found = await session.rows<{ name: string; type: string }>(
    `select lower(column_name) as name, data_type as type from duckdb_columns()
     where lower(schema_name) = lower($1) and lower(table_name) = lower($2)`,
    [from.place.schema, from.place.name],
  );
  const types = touch.columns.map((column) => found.find(({ name }) => name === column.toLowerCase())?.type);
  for (const [i, dimension] of dimensionsOf(partitions).entries()) {
    const type = types[i];
    if (type !== undefined && isPlaceable(dimension, type)) continue;
    const what =
      type === undefined ? 'which does not exist' : `whose type ${type} has no place in ${dimension.kind} partitions`;
    throw new WalflowError('ASSET_FAILED', `${asset} is partitioned by ${touch.columns[i]} of ${from.key}, ${what}`);
  }
  const time = timeDimension(partitions);
  const type = time === null ? null : boundTypeOf(time.time, types[time.at] ?? '');
  if (type === null) return null;
  return { type, ...(touch.tag === 'mapped' || touch.zone === undefined ? {} : { zone: touch.zone }) };
}
