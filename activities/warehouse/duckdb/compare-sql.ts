// `walflow verify`: the source's rows, as the text PostgreSQL printed, against the warehouse's, by value. The text is cast
// by DuckDB's own parser, so the comparison shares no code with the way of a row. Columns are called c0, c1, … here.

import type { Lsn } from '../../../workflows/model/lsn.ts';
import type { CapturedTable, TableName } from '../../../workflows/model/relation.ts';
import { csvSql } from './file-sql.ts';
import { literal, qualified, quoted } from './identifier.ts';
import { columnAlias } from './merge/changes-sql.ts';
import { duckDbType } from './type.ts';

export const SOURCE_TEXT = 'temp.main._walflow_source';

/** Loads what the source printed: all columns in table order. */
export function loadSourceSql(table: CapturedTable, csvPath: string, bufferBytes: number): string {
  const columns = table.columns.map((_, i) => columnAlias(i));
  return `create or replace temp table _walflow_source as select * from ${csvSql(csvPath, columns, bufferBytes)}`;
}

/** SELECT: per column (c0, c1, …) how many values have no exact counterpart in the warehouse's type. */
export function uncastableSql(table: CapturedTable): string {
  const counts = table.columns.map((column, i) => {
    const text = columnAlias(i);
    return `count(*) filter (${text} is not null and ${duckDbType(column).parse(text)} is null) as ${text}`;
  });
  return `select ${counts.join(', ')} from ${SOURCE_TEXT}`;
}

/**
 * CTE `differences` of a keyed table: keys (k0, k1, … as text), kind, and the names of columns that differ. A key the
 * warehouse has twice is `extra`, whatever its values.
 * @param before rows of the warehouse that a commit at or after this position wrote are newer than what the source
 * printed: they say nothing about it. Null = all rows count.
 */
export function keyedDifferencesSql(table: CapturedTable, place: TableName, before: Lsn | null): string {
  const keys = table.keyColumns.map((name) => columnAlias(table.columns.findIndex((column) => column.name === name)));
  const shown = keys.map((key, i) => `coalesce(s.${key}, w.${key})::VARCHAR as k${i}`).join(', ');
  const columns = table.columns.map(
    (column, i) =>
      `case when s.${columnAlias(i)} is distinct from w.${columnAlias(i)} then ${literal(column.name)} end`,
  );
  const counts = before === null ? '' : `where not coalesce(w.written >= ${before}, false)`;
  const twice = keys.map((key, i) => `${key}::VARCHAR as k${i}`).join(', ');
  return `${sidesSql(table, place)},
pairs as (select ${shown}, s.present is null as extra, w.present is null as missing,
    list_filter([${columns.join(', ')}], lambda name: name is not null) as columns
  from source s full join warehouse w using (${keys.join(', ')}) ${counts}),
differences as (
  select * exclude (extra, missing, columns),
    case when extra then 'extra' when missing then 'missing' else 'different' end as kind,
    case when extra or missing then [] else columns end as columns
  from pairs where extra or missing or len(columns) > 0
  union all
  select ${twice}, 'extra', [] from warehouse group by ${keys.join(', ')} having count(*) > 1)`;
}

/**
 * CTE `differences` of a table without a key: one row per row that one side has more often than the other.
 * @param before as for a keyed table
 */
export function keylessDifferencesSql(table: CapturedTable, place: TableName, before: Lsn | null): string {
  const columns = table.columns.map((_, i) => columnAlias(i)).join(', ');
  const source = `select ${columns} from source`;
  const counts = before === null ? '' : ` where not coalesce(written >= ${before}, false)`;
  const warehouse = `select ${columns} from warehouse${counts}`;
  return `${sidesSql(table, place)},
differences as (
  select 'missing' as kind, [] as columns from (${source} except all ${warehouse})
  union all
  select 'extra', [] from (${warehouse} except all ${source}))`;
}

function sidesSql(table: CapturedTable, place: TableName): string {
  const source = table.columns.map((column, i) => `${duckDbType(column).parse(columnAlias(i))} as ${columnAlias(i)}`);
  const warehouse = table.columns.map(
    (column, i) => `${duckDbType(column).comparable(quoted(column.name))} as ${columnAlias(i)}`,
  );
  return `with source as (select ${source.join(', ')}, true as present from ${SOURCE_TEXT}),
warehouse as (select ${warehouse.join(', ')}, _walflow_commit_lsn as written, true as present from ${qualified(place)})`;
}
