// `walflow verify`: compares rows as PostgreSQL printed them with those of the warehouse, by value. DuckDB's own parser casts
// the text, so the comparison shares no code with a row's way. Columns are called c0, c1, … here.

import type { Lsn } from '../../../workflows/model/lsn.ts';
import type { CapturedTable, TableName } from '../../../workflows/model/relation.ts';
import { csvSql } from './file-sql.ts';
import { literal, qualified, quoted } from './identifier.ts';
import { columnAlias } from './merge/changes-sql.ts';
import { duckDbType } from './type.ts';

/**
 * A longer value, in a table with long rows, is compared by its digest, which has a column of its own: no value can look like
 * the digest of another.
 */
const LONG_VALUE_BYTES = 65_536;

export const SOURCE_TEXT = 'temp.main._walflow_source';

/** Loads the source's rows: all columns, in table order. */
export function loadSourceSql(table: CapturedTable, csvPath: string, bufferBytes: number): string {
  const columns = table.columns.map((_, i) => columnAlias(i));
  return `create or replace temp table _walflow_source as select * from ${csvSql(csvPath, columns, bufferBytes)}`;
}

/** Adds a column for the digest of each column that can hold long values. */
export function addDigestsSql(table: CapturedTable): readonly string[] {
  return digested(table).map((i) => `alter table ${SOURCE_TEXT} add column ${digestAlias(i)} VARCHAR`);
}

/** INSERT of a row whose values are in files: one value is in memory at a time, and of a long one only the digest is kept. */
export function longRowSql(table: CapturedTable, paths: readonly (string | null)[]): string {
  const given = paths.flatMap((path, i) => (path === null ? [] : [{ i, path }]));
  const read = (sql: string, path: string) => `(select ${sql} from read_text(${literal(path)}))`;
  const values = given.flatMap(({ i, path }) => {
    const parsed = duckDbType(columnAt(table, i)).parse('content');
    if (!digested(table).includes(i)) return [[columnAlias(i), read('content', path)]];
    const long = isLong(table, i, parsed);
    return [
      [columnAlias(i), read(`case when not ${long} then content end`, path)],
      // A text that cannot be parsed is not NULL.
      [digestAlias(i), read(`case when ${long} then sha256(${parsed}) when ${parsed} is null then '' end`, path)],
    ];
  });
  const columns = values.map(([column]) => column);
  return `insert into ${SOURCE_TEXT} (${columns.join(', ')}) values (${values.map(([, sql]) => sql).join(', ')})`;
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
 * CTE `differences` of a keyed table: keys (k0, k1, … as text), kind, and the names of columns that differ. A key that the
 * warehouse has twice is `extra`, whatever its values.
 * @param before rows of the warehouse from commits at or after this position are newer than the source's rows and do not
 * count. Null = all rows count.
 * @param hasLongRows compare long values by their digests, so that they need not be in memory together
 */
export function keyedDifferencesSql(
  table: CapturedTable,
  place: TableName,
  before: Lsn | null,
  hasLongRows: boolean,
): string {
  const keys = table.keyColumns.map((name) => columnAlias(table.columns.findIndex((column) => column.name === name)));
  const shown = keys.map((key, i) => `coalesce(s.${key}, w.${key})::VARCHAR as k${i}`).join(', ');
  const columns = table.columns.map(
    (column, i) =>
      `case when s.${columnAlias(i)} is distinct from w.${columnAlias(i)} then ${literal(column.name)} end`,
  );
  const counts = before === null ? '' : `where not coalesce(w.written >= ${before}, false)`;
  const twice = keys.map((key, i) => `${key}::VARCHAR as k${i}`).join(', ');
  return `${sidesSql(table, place, hasLongRows)},
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
 * @param before, hasLongRows as for a keyed table
 */
export function keylessDifferencesSql(
  table: CapturedTable,
  place: TableName,
  before: Lsn | null,
  hasLongRows: boolean,
): string {
  const columns = table.columns.map((_, i) => columnAlias(i)).join(', ');
  const source = `select ${columns} from source`;
  const counts = before === null ? '' : ` where not coalesce(written >= ${before}, false)`;
  const warehouse = `select ${columns} from warehouse${counts}`;
  return `${sidesSql(table, place, hasLongRows)},
differences as (
  select 'missing' as kind, [] as columns from (${source} except all ${warehouse})
  union all
  select 'extra', [] from (${warehouse} except all ${source}))`;
}

function sidesSql(table: CapturedTable, place: TableName, hasLongRows: boolean): string {
  const side = (sqlOf: (i: number) => string, digestOf: (i: number) => string | null) =>
    table.columns.map((_, i) => {
      const value = sqlOf(i);
      if (!hasLongRows || !digested(table).includes(i)) return `${value} as ${columnAlias(i)}`;
      const long = isLong(table, i, value);
      const digest = `case when ${long} then sha256(${value}) end`;
      const known = digestOf(i);
      return `{value: case when not ${long} then ${value} end,
        digest: ${known === null ? digest : `coalesce(${known}, ${digest})`}} as ${columnAlias(i)}`;
    });
  const source = side((i) => duckDbType(columnAt(table, i)).parse(columnAlias(i)), digestAlias);
  const warehouse = side(
    (i) => duckDbType(columnAt(table, i)).comparable(quoted(columnAt(table, i).name)),
    () => null,
  );
  return `with source as (select ${source.join(', ')}, true as present from ${SOURCE_TEXT}),
warehouse as (select ${warehouse.join(', ')}, _walflow_commit_lsn as written, true as present from ${qualified(place)})`;
}

/** Numbers of the columns whose long values are replaced by digests: no key, and no type that is always short. */
function digested({ columns, keyColumns }: CapturedTable): readonly number[] {
  const types = ['VARCHAR', 'BLOB', 'JSON'];
  return columns.flatMap((column, i) =>
    types.includes(duckDbType(column).name) && !keyColumns.includes(column.name) ? [i] : [],
  );
}

const isLong = (table: CapturedTable, i: number, value: string) =>
  `${duckDbType(columnAt(table, i)).name === 'BLOB' ? 'octet_length' : 'strlen'}(${value}) > ${LONG_VALUE_BYTES}`;

const digestAlias = (i: number) => `d${i}`;
const columnAt = ({ columns }: CapturedTable, i: number) => columns[i] as CapturedTable['columns'][number];
