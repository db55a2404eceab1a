// Appends to `_walflow.touched` what changed in an asset, in the transaction that changes its rows: the partitions where changed
// rows were before, and where they are now. Once for each way in which readers place rows, however many readers there are.
// ⚠ Only appends: whether a partition is stale is found when it is read, so a merge waits for no publish.

import type { AssetEdge, Touch } from '../../../../workflows/model/asset/graph.ts';
import type { PlacedTable } from '../../merge-plan.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { boundTypeOf, keySql, placeSql } from '../partition-sql.ts';
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
  if (touch.tag === 'partitions') return JSON.stringify([touch.column, touch.zone ?? null, touch.partitions]);
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
  const index = entry.columns.findIndex((column) => column.name === touch.column);
  const column = entry.columns[index];
  if (column === undefined || boundTypeOf(touch.partitions, duckDbType(column).name) === null) {
    return touchAllSql(change, place);
  }
  const key = (value: string) =>
    `${keySql(touch.partitions, placeSql(touch.partitions, value, touch.zone))} as partition`;
  const arriving = `select ${key(columnAlias(index))} from ${winners} where op <> 'd'`;
  if (target.mode === 'append') return touchPartitionsSql(change, place, arriving);
  const leaving = `select ${key(quoted(column.name))} from ${qualified(target)} where ${replacedRows(entry, winners)}`;
  return touchPartitionsSql(change, place, `${leaving} union all ${arriving}`);
}

function touchSql({ source, seq, nowIso }: Change, place: string, partitions: string): string {
  return `insert into _walflow.touched (source, place, partition, seq, touched_at)
  select ${literal(source)}, ${literal(place)}, partition, ${seq}, ${literal(nowIso)}::TIMESTAMPTZ from (${partitions})`;
}
