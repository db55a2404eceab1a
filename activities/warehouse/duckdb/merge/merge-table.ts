// Folds one table in a merge transaction: computes winners, notes what they touch, then deletes and inserts.

import type { AssetEdge } from '../../../../workflows/model/asset/graph.ts';
import { lakeColumnName } from '../../../../workflows/model/lake-column.ts';
import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { RowCounts } from '../../merge-plan.ts';
import { type FileTypes, fileTypesSql } from '../file-sql.ts';
import { qualified, quoted } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { duckDbType } from '../type.ts';
import { deleteReplacedSql, insertChunksSql, insertWinnersSql } from './apply-sql.ts';
import { type ChangeRange, lastTruncate } from './changes-sql.ts';
import type { FoldBase, FoldInput } from './fold-sql.ts';
import type { ChangeFile, LocalChanges, LocalLoad } from './local-plan.ts';
import { createTableSql } from './schema-sql.ts';
import { type Change, EVERY_ROW, placeOfEdge, touchAllSql, touchRowsSql } from './touched-sql.ts';
import { type Winners, winnersOf } from './winners.ts';

/** What a table's fold needs from its transaction. */
export interface Folding {
  readonly session: DuckDbSession;
  /** From this table to the assets that read it. */
  readonly readers: readonly AssetEdge[];
  readonly change: Omit<Change, 'source'>;
}

export type TableMerge =
  | { readonly tag: 'done'; readonly rows: RowCounts; readonly touched: readonly string[] }
  /** Nothing was changed: some row lacks a value that the WAL did not carry. */
  | { readonly tag: 'unresolved'; readonly rowCount: number };

/** Applies a window's changes to a table that stands at the watermark. */
export async function mergeTable(folding: Folding, changes: LocalChanges): Promise<TableMerge> {
  const { session } = folding;
  const { entry, target, changeFiles } = changes;
  const range: ChangeRange = { fromLsn: null, truncates: changes.truncates };
  const truncated = lastTruncate(range) !== null;
  const types = await fileTypes(session, entry, pathsOf(changeFiles));
  const base: FoldBase = truncated ? { tag: 'nothing' } : { tag: 'table' };
  const winners = await makeWinners(session, { entry, target, changeFiles, range, base, types });
  if (winners.unresolved > 0) return { tag: 'unresolved', rowCount: winners.unresolved };
  const touched = truncated ? await touchWhole(folding) : await touchChanges(folding, changes, winners);
  if (truncated) session.queue(`delete from ${qualified(target)}`);
  else if (!winners.areNew) session.queue(deleteReplacedSql(changes, winners.relation));
  if (!winners.isEmpty) session.queue(insertWinnersSql(changes, winners.relation));
  await session.runQueued();
  return { tag: 'done', rows: countsOf(changes, 0), touched };
}

/** Makes the table from its snapshot and every change since; afterwards it stands at the window's end. */
export async function loadTable(folding: Folding, load: LocalLoad): Promise<TableMerge> {
  const { session } = folding;
  const { entry, target, changeFiles } = load;
  const range: ChangeRange = { fromLsn: load.r0Lsn, truncates: load.truncates };
  const paths = lastTruncate(range) === null ? load.chunkPaths : [];
  const types = await fileTypes(session, entry, [...paths, ...pathsOf(changeFiles)]);
  const base: FoldBase = { tag: 'chunks', paths };
  const winners = await makeWinners(session, { entry, target, changeFiles, range, base, types });
  if (winners.unresolved > 0) return { tag: 'unresolved', rowCount: winners.unresolved };
  session.queue(`create schema if not exists ${quoted(target.schema)}`);
  session.queue(createTableSql(entry, target));
  const over = winners.isEmpty ? null : winners.relation;
  const loaded = paths.length > 0 ? await session.run(insertChunksSql(load, paths, types, over)) : 0;
  if (over !== null) session.queue(insertWinnersSql(load, over));
  await session.runQueued();
  return { tag: 'done', rows: countsOf(load, loaded), touched: await touchWhole(folding) };
}

const pathsOf = (files: readonly ChangeFile[]) => files.map((file) => file.path);

/** Reads types from the files only if they can vary. */
async function fileTypes(session: DuckDbSession, entry: CaptureEntry, paths: readonly string[]): Promise<FileTypes> {
  const varying = entry.columns.filter((column) => duckDbType(column).variesByFile);
  if (varying.length === 0 || paths.length === 0) return new Map();
  const columns = varying.map(({ name }) => lakeColumnName(name));
  const rows = await session.rows<{ path: string; types: string }>(fileTypesSql(paths, columns));
  return new Map(rows.map(({ path, types }) => [path, types]));
}

/** The winners, and how many of them lack a value. */
async function makeWinners(
  session: DuckDbSession,
  fold: FoldInput,
): Promise<Winners & { readonly unresolved: number }> {
  const winners = await winnersOf(session, fold);
  for (const sql of winners.before) session.queue(sql);
  if (!winners.mayLack) return { ...winners, unresolved: 0 };
  const [row] = await session.rows<{ n: string }>(`select count(*) as n from ${winners.relation} where unresolved`);
  return { ...winners, unresolved: Number(row?.n ?? 0) };
}

async function touchWhole({ session, readers, change }: Folding): Promise<readonly string[]> {
  const [reader] = readers;
  if (reader !== undefined) session.queue(touchAllSql({ ...change, source: reader.from.key }, EVERY_ROW));
  await session.runQueued();
  return readers.map(({ to }) => to);
}

async function touchChanges(
  { session, readers, change }: Folding,
  changes: LocalChanges,
  winners: Winners,
): Promise<readonly string[]> {
  const touched: string[] = [];
  for (const [place, alike] of Map.groupBy(readers, placeOfEdge)) {
    const [{ from, touch }] = alike as [AssetEdge];
    const sql = touchRowsSql({ ...change, source: from.key }, place, touch, changes, winners.relation);
    if ((await session.run(sql)) > 0) touched.push(...alike.map(({ to }) => to));
  }
  return touched;
}

function countsOf({ changeFiles }: Pick<LocalChanges, 'changeFiles'>, loaded: number): RowCounts {
  const sum = (of: 'inserts' | 'updates' | 'deletes') => changeFiles.reduce((n, { file }) => n + file[of], 0);
  return { inserts: sum('inserts'), updates: sum('updates'), deletes: sum('deletes'), loaded };
}
