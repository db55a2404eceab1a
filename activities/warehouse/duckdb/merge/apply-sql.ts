// Applies winners to the warehouse table: delete by key, then insert. Updating in place (MERGE) rewrites every row group that
// it touches, and costs ten times as much on random keys. `winners` is a FROM item.

import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { MergeTarget, PlacedTable } from '../../merge-plan.ts';
import type { FileTypes } from '../file-sql.ts';
import { qualified, quoted } from '../identifier.ts';
import { chunksSql, columnAlias, keyAliases } from './changes-sql.ts';
import { insertColumns } from './schema-sql.ts';

/** Rows of the table whose key has a winner. */
export function replacedRows(entry: CaptureEntry, winners: string): string {
  const table = entry.keyColumns.map(quoted).join(', ');
  const keys = keyAliases(entry).join(', ');
  // For one column no row constructor: it would hide the range of keys from DuckDB's row group pruning.
  return entry.keyColumns.length === 1
    ? `${table} in (select ${keys} from ${winners})`
    : `(${table}) in (select (${keys}) from ${winners})`;
}

export function deleteReplacedSql({ entry, target }: PlacedTable, winners: string): string {
  return `delete from ${qualified(target)} where ${replacedRows(entry, winners)}`;
}

/** Inserts the winners that are not deletes. */
export function insertWinnersSql({ entry, target }: PlacedTable, winners: string): string {
  return `${insertInto(entry, target)} from ${winners} where op <> 'd'`;
}

/** Inserts the rows of a snapshot; in a mirror with changes on top, only rows that no change touches. */
export function insertChunksSql(
  { entry, target }: PlacedTable,
  paths: readonly string[],
  types: FileTypes,
  winners: string | null,
): string {
  const rows = `(${chunksSql(entry, paths, types)})`;
  const beaten =
    winners !== null && target.mode === 'mirror' ? ` anti join ${winners} using (${keyAliases(entry).join(', ')})` : '';
  return `${insertInto(entry, target)} from (select rows.* from ${rows} rows${beaten})`;
}

function insertInto(entry: CaptureEntry, target: MergeTarget): string {
  const columns = entry.columns.map((_, i) => columnAlias(i));
  return `insert into ${qualified(target)} (${insertColumns(entry)}) select ${[...columns, 'lsn', 'commit_time'].join(', ')}`;
}
