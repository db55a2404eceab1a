// Marks what is due of derived assets, in the very transaction that changes their input: days that changed rows left and
// days they came to. A NULL partition stands for the whole asset.

import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { TouchRule } from '../../touch-rule.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { duckDbType } from '../type.ts';
import { replacedRows, WINNERS } from './apply-sql.ts';
import { columnAlias } from './changes-sql.ts';

export interface TouchMark {
  /** Manifest, or materialization number, that is the reason. */
  readonly seq: number;
  readonly nowIso: string;
}

/** The UTC day of a date or timestamp; ±infinity and NULL lie on no day. Sessions run in UTC. */
export const dayOf = (column: string) => `case when isfinite(${column}) then ${column}::DATE end`;

/** Everything of the asset is due. */
export function markWholeSql(rule: TouchRule, mark: TouchMark): string {
  return `insert into _walflow.dirty_partitions
  values (${literal(rule.asset)}, null, ${literal(rule.table)}, ${mark.seq}, ${literal(mark.nowIso)})`;
}

/** The days in `days` (SELECT of one column `day`) are due. */
export function markDaysSql(rule: TouchRule, mark: TouchMark, days: string): string {
  return `insert into _walflow.dirty_partitions
  select distinct ${literal(rule.asset)}, day, ${literal(rule.table)}, ${mark.seq}, ${literal(mark.nowIso)}::TIMESTAMPTZ
  from (${days}) where day >= ${literal(rule.start ?? '0001-01-01')}::DATE`;
}

/**
 * Marks for a rule after the winners are known and before they are applied. A rule whose column is no date here marks the
 * whole asset: the run then fails and says so, the merge does not.
 */
export function markChangesSql(rule: TouchRule, mark: TouchMark, entry: CaptureEntry): string {
  const index = entry.columns.findIndex((column) => column.name === rule.column);
  const column = entry.columns[index];
  if (column === undefined || !duckDbType(column).dated) return markWholeSql(rule, mark);
  const arriving = `select ${dayOf(columnAlias(index))} as day from ${WINNERS} where op <> 'd'`;
  if (entry.mode === 'append-only') return markDaysSql(rule, mark, arriving);
  const leaving = `select ${dayOf(quoted(column.name))} as day from ${qualified(entry)} where ${replacedRows(entry)}`;
  return markDaysSql(rule, mark, `${leaving} union all ${arriving}`);
}
