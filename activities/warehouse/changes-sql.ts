// Change files as a relation the fold can work on. Inside the fold the table's columns are called c0, c1, … so that no
// name of the source can meet one of ours, and a change has one number for its place: `position`.

import { lakeColumnName } from '../../workflows/model/lake-column.ts';
import { type LsnHex, parseLsn } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { literal, quoted } from './identifier.ts';
import type { TruncatePoint } from './merge-plan.ts';

/** Commit LSN and ordinal as one number: the total order of changes, and `position - 1` is the ordinal before. */
const POSITION = '_commit_lsn::HUGEINT * 4294967296 + _ordinal';

/** Name of column number `index` inside the fold. */
export const columnAlias = (index: number) => `c${index}`;

/** Aliases of the key columns, in key order. */
export function keyAliases(entry: CaptureEntry): readonly string[] {
  return entry.keyColumns.map((name) => columnAlias(entry.columns.findIndex((column) => column.name === name)));
}

/** What of the files counts. */
export interface ChangeRange {
  /** Changes of earlier commits are contained in the copied rows already. */
  readonly fromLsn: LsnHex | null;
  readonly truncates: readonly TruncatePoint[];
}

/** The position of the last truncate in range: it empties the table and makes every earlier change void. */
export function lastTruncate(range: ChangeRange): bigint | null {
  const positions = range.truncates
    .filter((truncate) => range.fromLsn === null || truncate.commitLsn >= range.fromLsn)
    .map((truncate) => parseLsn(truncate.commitLsn) * 4294967296n + BigInt(truncate.ordinal));
  return positions.reduce<bigint | null>(
    (last, position) => (last !== null && last > position ? last : position),
    null,
  );
}

/** SELECT: every change that counts, with columns op, position, lsn, commit_time, unchanged, moved, c0, c1, … */
export function changesSql(entry: CaptureEntry, paths: readonly string[], range: ChangeRange): string {
  const truncate = lastTruncate(range);
  const conditions = [
    ...(range.fromLsn === null ? [] : [`_commit_lsn >= ${parseLsn(range.fromLsn)}`]),
    ...(truncate === null ? [] : [`${POSITION} > ${truncate}`]),
  ];
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
  return `select _op as op, ${POSITION} as position, _commit_lsn as lsn, _commit_time as commit_time,
    _unchanged as unchanged, coalesce(_moved, false) as moved, ${aliasedColumns(entry)}
  from ${parquetSql(paths)}${where}`;
}

/** SELECT: the rows of snapshot chunks, with columns lsn, commit_time, c0, c1, … */
export function chunksSql(entry: CaptureEntry, paths: readonly string[]): string {
  return `select _commit_lsn as lsn, _commit_time as commit_time, ${aliasedColumns(entry)} from ${parquetSql(paths)}`;
}

function aliasedColumns(entry: CaptureEntry): string {
  return entry.columns.map((column, i) => `${quoted(lakeColumnName(column.name))} as ${columnAlias(i)}`).join(', ');
}

function parquetSql(paths: readonly string[]): string {
  return `read_parquet([${paths.map(literal).join(', ')}])`;
}
