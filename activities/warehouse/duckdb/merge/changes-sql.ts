// Change files as a relation for the fold. In the fold the table's columns are called c0, c1, … so that no name of the source
// can clash with one of ours, and one number orders changes: `position`.

import { lakeColumnName } from '../../../../workflows/model/lake-column.ts';
import { type LsnHex, parseLsn } from '../../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { RelationColumn } from '../../../../workflows/model/relation.ts';
import type { TruncatePoint } from '../../merge-plan.ts';
import { alikeFiles, type FileTypes, parquetSql } from '../file-sql.ts';
import { quoted } from '../identifier.ts';
import { duckDbType } from '../type.ts';
import type { ChangeFile } from './local-plan.ts';

/** Ordinals are below this. */
const ORDINALS = 2n ** 31n;

/** Name of column number `index` inside the fold. */
export const columnAlias = (index: number) => `c${index}`;

/** Aliases of the key columns, in key order. */
export function keyAliases(entry: CaptureEntry): readonly string[] {
  return entry.keyColumns.map((name) => columnAlias(entry.columns.findIndex((column) => column.name === name)));
}

/** Which changes of the files count. */
export interface ChangeRange {
  /** Changes of earlier commits are already contained in the snapshot's rows. */
  readonly fromLsn: LsnHex | null;
  readonly truncates: readonly TruncatePoint[];
}

/** The last truncate in range: it empties the table and cancels every earlier change. */
export function lastTruncate({ fromLsn, truncates }: ChangeRange): TruncatePoint | null {
  const counting = truncates.filter((truncate) => fromLsn === null || truncate.commitLsn >= fromLsn);
  return counting.reduce<TruncatePoint | null>(
    (last, one) => (last !== null && isBefore(one, last) ? last : one),
    null,
  );
}

function isBefore(a: TruncatePoint, b: TruncatePoint): boolean {
  return a.commitLsn === b.commitLsn ? a.ordinal < b.ordinal : a.commitLsn < b.commitLsn;
}

/** SELECT: every change that counts, with columns op, position, lsn, commit_time, unchanged, moved, c0, c1, … */
export function changesSql(
  entry: CaptureEntry,
  files: readonly ChangeFile[],
  range: ChangeRange,
  types: FileTypes,
): string {
  const truncate = lastTruncate(range);
  const conditions = [
    ...(range.fromLsn === null ? [] : [`_commit_lsn >= ${parseLsn(range.fromLsn)}`]),
    ...(truncate === null ? [] : [behindSql(truncate)]),
  ];
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
  const columns = `_op as op, ${positionSql(files)} as position, _commit_lsn as lsn, _commit_time as commit_time,
    _unchanged as unchanged, coalesce(_moved, false) as moved, ${aliasedColumns(entry)}`;
  const paths = files.map((file) => file.path);
  return alikeFiles(paths, types)
    .map((alike) => `select ${columns} from ${parquetSql(alike)}${where}`)
    .join(' union all ');
}

/**
 * Commit LSN and ordinal as one number: it orders all changes of the files, and `position - 1` is the previous ordinal.
 * Counted from the first commit it fits 64 bits unless the files span 2 GB of WAL; wider numbers double the fold's cost.
 */
function positionSql(files: readonly ChangeFile[]): string {
  // Text order is WAL order.
  const [first = ''] = files.map(({ file }) => file.minCommitLsn).sort();
  const last =
    files
      .map(({ file }) => file.maxCommitLsn)
      .sort()
      .at(-1) ?? '';
  const narrow = parseLsn(last) - parseLsn(first) < 2n ** 63n / ORDINALS;
  return `(_commit_lsn - ${parseLsn(first)})${narrow ? '' : '::HUGEINT'} * ${ORDINALS} + _ordinal`;
}

function behindSql({ commitLsn, ordinal }: TruncatePoint): string {
  const lsn = parseLsn(commitLsn);
  return `(_commit_lsn > ${lsn} or (_commit_lsn = ${lsn} and _ordinal > ${ordinal}))`;
}

/** SELECT: the rows of snapshot chunks, with columns lsn, commit_time, c0, c1, … */
export function chunksSql(entry: CaptureEntry, paths: readonly string[], types: FileTypes): string {
  const columns = `_commit_lsn as lsn, _commit_time as commit_time, ${aliasedColumns(entry)}`;
  return alikeFiles(paths, types)
    .map((alike) => `select ${columns} from ${parquetSql(alike)}`)
    .join(' union all ');
}

function aliasedColumns(entry: CaptureEntry): string {
  const aliased = (column: RelationColumn, i: number) =>
    `${duckDbType(column).read(quoted(lakeColumnName(column.name)))} as ${columnAlias(i)}`;
  return entry.columns.map(aliased).join(', ');
}
