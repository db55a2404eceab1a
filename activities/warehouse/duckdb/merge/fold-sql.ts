// The fold: many changes per key become one `winner` per key, the last by position. There are four ways, cheapest first: no
// key has two changes; every column was carried; some were not (unchanged TOAST); some were not and rows changed their keys.
// The counters of the files show which way is safe. A column that no change carried keeps the value of the base row.

import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { MergeTarget, PlacedTable } from '../../merge-plan.ts';
import type { FileTypes } from '../file-sql.ts';
import { qualified, quoted } from '../identifier.ts';
import { carries, type SparseColumn } from '../sparse-column.ts';
import { duckDbType } from '../type.ts';
import { type ChangeRange, changesSql, chunksSql, columnAlias, keyAliases } from './changes-sql.ts';
import type { ChangeFile } from './local-plan.ts';
import { movedValuesSql } from './moves-sql.ts';

const SMALL_ROWS = 2_048;

/** The base: the rows that changes are folded onto. */
export type FoldBase =
  /** The warehouse table, exactly as of the position where the changes begin. */
  | { readonly tag: 'table' }
  /** Rows of a snapshot, each as of some moment after the changes began. */
  | { readonly tag: 'chunks'; readonly paths: readonly string[] }
  /** None: a truncate came first. */
  | { readonly tag: 'nothing' };

export interface FoldInput extends PlacedTable {
  /** At least one. */
  readonly changeFiles: readonly ChangeFile[];
  readonly range: ChangeRange;
  readonly base: FoldBase;
  readonly types: FileTypes;
}

/**
 * SELECT: one row per key with columns op, lsn, commit_time, c0, c1, … and `unresolved`: a value that the WAL did not carry
 * was found nowhere.
 */
export function winnersSql(input: FoldInput): string {
  const { entry } = input;
  const changes = changesOf(input);
  const keys = keyAliases(entry).join(', ');
  const sparse = sparseColumns(input);
  const moved = input.changeFiles.some(({ file }) => file.moved > 0);
  if (isSmall(input) && sparse.length === 0)
    return `select *, false as unresolved from (${lastOfKeySql(changes, keys)})`;
  if (isSmall(input) && !moved) return smallKeptSql(input, sparse);
  // Of many rows not by row_number(): it sorts whole rows, at twice the cost. Positions are unique in a table.
  const latest = `select * from changes where position in (select max(position) from changes group by ${keys})`;
  // Not materialized: the second pass reads only keys and positions, which is cheaper than keeping whole rows.
  if (sparse.length === 0) {
    return `with changes as not materialized (${changes}) select *, false as unresolved from (${latest})`;
  }
  return `with recursive
changes as (${changes}),
latest as materialized (${latest}),
wanted as materialized (select * from latest where op <> 'd' and unchanged is not null),
${moved ? movedValuesSql({ keys: keyAliases(entry), sparse, base: baseSql(input, sparse), trust: trustRule(input.base) }) : keptValuesSql(input, sparse)}
select latest.* replace (${sparse.map(filledSql).join(', ')}),
  latest.op <> 'd' and (${sparse.map((c) => `(not ${carriesLatest(c)} and not coalesce(kept.has_${c.alias}, false))`).join(' or ')}) as unresolved
from latest left join kept using (${keys})`;
}

/**
 * SELECT with the columns of `winnersSql`, if every change is a winner: all columns are carried and, in a keyed table, no
 * two changes have the same key.
 */
export function unfoldedSql(input: FoldInput): string {
  const inserts = input.target.mode === 'append' ? ` where op in ('i', 'r')` : '';
  return `select *, false as unresolved from (${changesOf(input)})${inserts}`;
}

/** So few changes that opening their files and planning cost more than the rows: as many as DuckDB handles at once. */
export const isSmall = (input: FoldInput) => changeCount(input) <= SMALL_ROWS;

export const changeCount = ({ changeFiles }: FoldInput) => changeFiles.reduce((sum, { file }) => sum + file.rows, 0);

/** Is there a change that did not carry a column? */
export const isSparse = (input: FoldInput) => sparseColumns(input).length > 0;

/** SELECT: how many `changes` there are, and how many `keys` they have. Reads only the key columns. */
export function keysSql(input: FoldInput): string {
  const keys = keyAliases(input.entry).join(', ');
  return `select coalesce(sum(n), 0)::varchar as changes, count(*) as keys
  from (select count(*) as n from (${changesOf(input)}) group by ${keys})`;
}

const changesOf = ({ entry, changeFiles, range, types }: FoldInput) => changesSql(entry, changeFiles, range, types);

/** Columns that at least one change of these files did not carry. */
function sparseColumns(input: FoldInput): readonly SparseColumn[] {
  const names = new Set(input.changeFiles.flatMap(({ file }) => file.unchangedColumns));
  return input.entry.columns.flatMap((column, i) =>
    names.has(column.name) ? [{ alias: columnAlias(i), name: column.name }] : [],
  );
}

const carriesLatest = (c: SparseColumn) => carries(c, 'latest.unchanged');

const filledSql = (c: SparseColumn) =>
  `case when ${carriesLatest(c)} then latest.${c.alias} else kept.${c.alias} end as ${c.alias}`;

/**
 * CTE `kept` if no row changed its key: the last carried value before the winner, else that of the base row. A row that was
 * inserted again is fine too: an insert carries every column. `arg_max_null`, because `arg_max` would skip a carried NULL.
 */
function keptValuesSql(input: FoldInput, sparse: readonly SparseColumn[]): string {
  const keys = keyAliases(input.entry).join(', ');
  const last = (c: SparseColumn) =>
    `arg_max_null(${c.alias}, position) filter (${carries(c)}) as ${c.alias}, bool_or(${carries(c)}) as has_${c.alias}`;
  const kept = (c: SparseColumn) =>
    `case when carried.has_${c.alias} then carried.${c.alias} else base.${c.alias} end as ${c.alias},
     carried.has_${c.alias} or base.found is not null as has_${c.alias}`;
  return `carried as (select ${keys}, ${sparse.map(last).join(', ')}
  from changes semi join wanted using (${keys}) where op <> 'd' group by ${keys}),
base as (select * from (${baseSql(input, sparse)}) semi join wanted using (${keys})),
kept as (select ${keys}, ${sparse.map(kept).join(', ')} from carried left join base using (${keys}))`;
}

/** The same for few changes: planning this costs a third less. */
function smallKeptSql(input: FoldInput, sparse: readonly SparseColumn[]): string {
  const keys = keyAliases(input.entry).join(', ');
  const own = (c: SparseColumn) =>
    `arg_max_null(${c.alias}, position) filter (op <> 'd' and ${carries(c)}) over same_key as kept_${c.alias},
    coalesce(bool_or(op <> 'd' and ${carries(c)}) over same_key, false) as has_${c.alias}`;
  const filled = (c: SparseColumn) =>
    `case when has_${c.alias} then kept_${c.alias} else base.${c.alias} end as ${c.alias}`;
  const helpers = sparse.map((c) => `kept_${c.alias}, has_${c.alias}`).join(', ');
  return `with
latest as materialized (${lastOfKeySql(changesOf(input), keys, sparse.map(own))}),
base as (select * from (${baseSql(input, sparse)}) semi join latest using (${keys}))
select latest.* exclude (${helpers}) replace (${sparse.map(filled).join(', ')}),
  op <> 'd' and base.found is null and not (${sparse.map((c) => `has_${c.alias}`).join(' and ')}) as unresolved
from latest left join base using (${keys})`;
}

/** SELECT: of each key the last change; `more` are columns over the window `same_key`. */
function lastOfKeySql(changes: string, keys: string, more: readonly string[] = []): string {
  return `select ${['*', ...more].join(',\n    ')} from (${changes}) window same_key as (partition by ${keys})
  qualify row_number() over (partition by ${keys} order by position desc) = 1`;
}

/** SELECT: keys and sparse columns of the base rows, and `found`. */
function baseSql({ entry, target, base, types }: FoldInput, sparse: readonly SparseColumn[]): string {
  const wanted = [...keyAliases(entry), ...sparse.map((c) => c.alias)];
  const columns = wanted.join(', ');
  switch (base.tag) {
    case 'table':
      return `select ${columns}, true as found from (${tableRowsSql(entry, target)})`;
    case 'chunks':
      if (base.paths.length > 0)
        return `select ${columns}, true as found from (${chunksSql(entry, base.paths, types)})`;
      return noRowsSql(entry, wanted);
    case 'nothing':
      return noRowsSql(entry, wanted);
  }
}

/** SELECT: the warehouse table, with the fold's column names. */
function tableRowsSql(entry: CaptureEntry, target: MergeTarget): string {
  const columns = entry.columns.map((column, i) => `${quoted(column.name)} as ${columnAlias(i)}`);
  return `select ${columns.join(', ')} from ${qualified(target)}`;
}

function noRowsSql(entry: CaptureEntry, aliases: readonly string[]): string {
  const columns = entry.columns.flatMap((column, i) =>
    aliases.includes(columnAlias(i)) ? [`null::${duckDbType(column).name} as ${columnAlias(i)}`] : [],
  );
  return `select ${columns.join(', ')}, true as found where false`;
}

/**
 * To which life of a key a base row belongs. A live table stands where the changes begin: its row is the first life, which no
 * change in the window began. A snapshot's row was read at an unknown moment: it is certain only if the key has one life.
 */
function trustRule(base: FoldBase): string {
  return base.tag === 'chunks' ? 'count(*) over (partition by key_of_life) = 1' : 'life = 0';
}
