// Appends to `_walflow.touched` what changed in an asset, in the transaction that changes its rows: the partitions where changed
// rows were before, and where they are now. Once for each way in which readers place rows, however many readers there are.
// ⚠ Only appends: whether a partition is stale is found when it is read, so a merge waits for no publish.

import type { AssetEdge, Touch } from '../../../../workflows/model/asset/graph.ts';
import { dimensionsOf } from '../../../../workflows/model/asset/partitioning.ts';
import type { PlacedTable } from '../../merge-plan.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { isPlaceable, keySql, placeSql } from '../partition-sql.ts';
import { duckDbType } from '../type.ts';
import { replacedRows } from './apply-sql.ts';
import { columnAlias } from './changes-sql.ts';

/** Some row changed: all that a reader without partitions needs to know. */
const ANY_ROW = 'any';
/** Every row may have changed, wherever readers place it. */
export const EVERY_ROW = 'every';

/** What changed, and when. */
export interface Change {
  /** Key of the asset whose rows changed. */
  readonly source: string;
  /** Of a captured table the newest manifest, of a derived asset the number of its record. */
  readonly seq: number;
  readonly nowIso: string;
}

/** The `place` under which a reader finds what changed; the same for all readers that place rows alike. */
export function placeOfEdge({ touch }: AssetEdge): string {
  if (touch.tag === 'partitions') return JSON.stringify([touch.columns, touch.zone ?? null, touch.partitions]);
  return touch.tag === 'mapped' ? ownPlace({ partitions: touch.from }) : ANY_ROW;
}

/** A derived asset changes by its own partitions. */
export const ownPlace = ({ partitions = null }: { readonly partitions?: unknown }) => JSON.stringify(partitions);

/** All partitions of the place. */
export const touchAllSql = (change: Change, place: string) =>
  touchSql(change, place, 'select null::VARCHAR as partition');

/** The partitions whose keys `keys` selects as `partition`; NULL is skipped. */
const touchPartitionsSql = (change: Change, place: string, keys: string) =>
  touchSql(change, place, `select distinct partition from (${keys}) where partition is not null`);

/**
 * For changed rows of a captured table, before the winners are applied. If values of the column have no place, all partitions are
 * touched: then the asset's run fails with the reason, and not the merge.
 */
export function touchRowsSql(
  change: Change,
  place: string,
  touch: Touch,
  { entry, target }: PlacedTable,
  winners: string,
): string {
  if (touch.tag !== 'partitions') return touchAllSql(change, place);
  const { columns, partitions, zone } = touch;
  const places = columns.map((name) => entry.columns.findIndex((column) => column.name === name));
  const placeable = dimensionsOf(partitions).every((dimension, i) => {
    const column = entry.columns[places[i] ?? -1];
    return column !== undefined && isPlaceable(dimension, duckDbType(column).name);
  });
  if (!placeable) return touchAllSql(change, place);
  const key = (values: readonly string[]) => `${keySql(partitions, placeSql(partitions, values, zone))} as partition`;
  const arriving = `select ${key(places.map(columnAlias))} from ${winners} where op <> 'd'`;
  if (target.mode === 'append') return touchPartitionsSql(change, place, arriving);
  const leaving = `select ${key(columns.map(quoted))} from ${qualified(target)} where ${replacedRows(entry, winners)}`;
  return touchPartitionsSql(change, place, `${leaving} union all ${arriving}`);
}

function touchSql({ source, seq, nowIso }: Change, place: string, partitions: string): string {
  return `insert into _walflow.touched (source, place, partition, seq, touched_at)
  select ${literal(source)}, ${literal(place)}, partition, ${seq}, ${literal(nowIso)}::TIMESTAMPTZ from (${partitions})`;
}
