// Marks what is due of derived assets, in the transaction that changes their input: the partitions where changed rows were
// before, and where they are now. A mark without a partition means the whole asset.

import type { Touch } from '../../../../workflows/model/asset/graph.ts';
import type { PlacedTable } from '../../merge-plan.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { boundTypeOf, keySql, placeSql } from '../partition-sql.ts';
import { duckDbType } from '../type.ts';
import { replacedRows } from './apply-sql.ts';
import { columnAlias } from './changes-sql.ts';

export interface Mark {
  /** Key of the derived asset that is due. */
  readonly asset: string;
  /** What changed: a captured table by its id, a derived asset by its key. */
  readonly cause: string;
  /** Manifest of the newest change. */
  readonly seq: number;
  readonly nowIso: string;
}

/** Marks the whole asset. */
export const markWholeSql = (mark: Mark) => markSql(mark, 'select null::VARCHAR as partition');

/** Marks the partitions whose keys `keys` selects as `partition`; NULL is skipped. */
export const markPartitionsSql = (mark: Mark, keys: string) =>
  markSql(mark, `select distinct partition from (${keys}) where partition is not null`);

/**
 * Marks for changed rows, before the winners are applied. If values of the column have no place, the whole asset is marked: then its
 * run fails with the reason, and not the merge.
 */
export function markChangesSql(touch: Touch, mark: Mark, { entry, target }: PlacedTable, winners: string): string {
  if (touch.tag !== 'partitions') return markWholeSql(mark);
  const index = entry.columns.findIndex((column) => column.name === touch.column);
  const column = entry.columns[index];
  if (column === undefined || boundTypeOf(touch.partitions, duckDbType(column).name) === null) {
    return markWholeSql(mark);
  }
  const key = (value: string) =>
    `${keySql(touch.partitions, placeSql(touch.partitions, value, touch.zone))} as partition`;
  const arriving = `select ${key(columnAlias(index))} from ${winners} where op <> 'd'`;
  if (target.mode === 'append') return markPartitionsSql(mark, arriving);
  const leaving = `select ${key(quoted(column.name))} from ${qualified(target)} where ${replacedRows(entry, winners)}`;
  return markPartitionsSql(mark, `${leaving} union all ${arriving}`);
}

function markSql({ asset, cause, seq, nowIso }: Mark, partitions: string): string {
  return `insert into _walflow.dirty_partitions (asset, partition, cause, seq, marked_at)
  select ${literal(asset)}, partition, ${literal(cause)}, ${seq}, ${literal(nowIso)}::TIMESTAMPTZ from (${partitions})`;
}
