// One window on its way to the warehouse: whole manifests, and their files on the local disk. A file that cannot be read
// concerns only its table; the others go on.

import { rm } from 'node:fs/promises';
import type { CaptureEntry, DataFile, StoredManifest } from '../../workflows/model/manifest.ts';
import type { ChangeFile, TableChanges, TableLoad, TablePauseOrder } from '../warehouse/merge-plan.ts';
import { damageOf } from './table-damage.ts';
import type { WindowReader } from './window-reader.ts';

export interface PendingWindow {
  readonly manifests: readonly StoredManifest[];
  /** By table id, in commit order; in every shape the table had in these manifests. */
  readonly files: ReadonlyMap<string, readonly WindowFile[]>;
}

interface WindowFile extends ChangeFile {
  readonly schemaVersion: string;
  /** Why the file is not on the disk; null when it is. */
  readonly damage: TablePauseOrder | null;
}

/** The next window with its files fetched; null while nothing is pending. */
export async function readPending(reader: WindowReader): Promise<PendingWindow | null> {
  const manifests = await reader.next();
  if (manifests === null) return null;
  const pending = new Map<string, Promise<WindowFile>[]>();
  for (const { manifest } of manifests) {
    for (const { table, schemaVersion, files } of manifest.tables) {
      const ofTable = pending.get(table) ?? [];
      pending.set(table, ofTable);
      ofTable.push(...files.map((file) => fetchFile(reader, { table, schemaVersion, file })));
    }
  }
  const fetched = [...pending].map(async ([table, files]) => [table, await Promise.all(files)] as const);
  return { manifests, files: new Map(await Promise.all(fetched)) };
}

async function fetchFile(
  reader: WindowReader,
  { table, schemaVersion, file }: { readonly table: string; readonly schemaVersion: string; readonly file: DataFile },
): Promise<WindowFile> {
  try {
    return { path: await reader.fetch(file), file, schemaVersion, damage: null };
  } catch (failure) {
    return { path: '', file, schemaVersion, damage: damageOf(table, failure) };
  }
}

/** Why a live table cannot merge the window, if so. A loading table finds out when it needs the file. */
export function damageIn(window: PendingWindow, entry: CaptureEntry): TablePauseOrder | null {
  return filesOf(window, entry).find(({ damage }) => damage !== null)?.damage ?? null;
}

export function rowsIn(window: PendingWindow): number {
  return [...window.files.values()].flat().reduce((rows, { file }) => rows + file.rows, 0);
}

/** What a live table has to merge of a window; null when the window does not concern it. */
export function changesOf(window: PendingWindow, entry: CaptureEntry): TableChanges | null {
  const changeFiles = filesOf(window, entry).map(({ path, file }) => ({ path, file }));
  const truncates = window.manifests.flatMap(({ manifest }) =>
    manifest.truncates.filter((truncate) => truncate.table === entry.table),
  );
  return changeFiles.length + truncates.length > 0 ? { entry, changeFiles, truncates } : null;
}

/** Only files in the table's own shape: others are contained in its next snapshot, or belong to it. */
function filesOf(window: PendingWindow, { table, schemaVersion }: CaptureEntry): readonly WindowFile[] {
  return (window.files.get(table) ?? []).filter((file) => file.schemaVersion === schemaVersion);
}

/** Removes the local files of a window that is merged. */
export async function discard(window: PendingWindow): Promise<void> {
  const paths = [...window.files.values()].flat().map((file) => file.path);
  await Promise.all(paths.filter((path) => path !== '').map((path) => rm(path, { force: true })));
}

/** Removes the local files of snapshots that are merged: they are as large as their tables. */
export async function discardLoads(loads: readonly TableLoad[]): Promise<void> {
  const paths = loads.flatMap((load) => [...load.chunkPaths, ...load.changeFiles.map((file) => file.path)]);
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}
