// Puts winners into the warehouse table: delete by key, insert again. Updating in place (MERGE) rewrites every row group
// it touches and costs ten times as much on random keys.

import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { MergeTarget, PlacedTable } from '../../merge-plan.ts';
import type { FileTypes } from '../file-sql.ts';
import { qualified, quoted } from '../identifier.ts';
import { chunksSql, columnAlias, keyAliases } from './changes-sql.ts';
import { insertColumns } from './schema-sql.ts';

/** What the statements here apply: a view, of the fold's result or of the change files themselves. */
export const WINNERS = 'temp.main._walflow_winners';

/** Reads `winners` anew in every statement. */
export function viewWinnersSql(winners: string): string {
  return `create or replace temp view _walflow_winners as ${winners}`;
}

/** Computes `winners` once; then they are viewed. */
export function keepWinnersSql(winners: string): readonly string[] {
  return [
    `create or replace temp table _walflow_folded as ${winners}`,
    viewWinnersSql('select * from temp.main._walflow_folded'),
  ];
}

/** Rows of the table whose key has a winner. */
export function replacedRows(entry: CaptureEntry): string {
  const table = entry.keyColumns.map(quoted).join(', ');
  const winner = keyAliases(entry).join(', ');
  // A row constructor even for one column would hide the keys' ranges from DuckDB's row group pruning.
  return entry.keyColumns.length === 1
    ? `${table} in (select ${winner} from ${WINNERS})`
    : `(${table}) in (select (${winner}) from ${WINNERS})`;
}

export function deleteReplacedSql({ entry, target }: PlacedTable): string {
  return `delete from ${qualified(target)} where ${replacedRows(entry)}`;
}

/** Winners that live on. */
export function insertWinnersSql({ entry, target }: PlacedTable): string {
  return `${insertInto(entry, target)} from ${WINNERS} where op <> 'd'`;
}

/** Copied rows; with changes folded over them, only those no change has touched. */
export function insertChunksSql(
  { entry, target }: PlacedTable,
  paths: readonly string[],
  types: FileTypes,
  folded: boolean,
): string {
  const rows = `(${chunksSql(entry, paths, types)})`;
  const beaten =
    folded && target.mode === 'mirror' ? ` anti join ${WINNERS} using (${keyAliases(entry).join(', ')})` : '';
  return `${insertInto(entry, target)} from (select rows.* from ${rows} rows${beaten})`;
}

function insertInto(entry: CaptureEntry, target: MergeTarget): string {
  const columns = entry.columns.map((_, i) => columnAlias(i));
  return `insert into ${qualified(target)} (${insertColumns(entry)}) select ${[...columns, 'lsn', 'commit_time'].join(', ')}`;
}
