// One window on its way to the warehouse: whole manifests and their files on the local disk. A file that cannot be read
// is the trouble of its table alone: the table is named, the others go on.

import { rm } from 'node:fs/promises';
import type { CaptureEntry, StoredManifest } from '../workflows/model/manifest.ts';
import { damageOf } from './table-damage.ts';
import type { ChangeFile, TableChanges, TableLoad, TablePauseOrder } from './warehouse/merge-plan.ts';
import type { WindowReader } from './window-reader.ts';

export interface PendingWindow {
  readonly manifests: readonly StoredManifest[];
  /** Local files by table id, in log order. */
  readonly files: ReadonlyMap<string, readonly ChangeFile[]>;
  readonly damaged: ReadonlyMap<string, TablePauseOrder>;
}

/** The next window with its files fetched; null while nothing is pending. */
export async function readPending(reader: WindowReader): Promise<PendingWindow | null> {
  const manifests = await reader.next();
  if (manifests === null) return null;
  const files = new Map<string, ChangeFile[]>();
  const damaged = new Map<string, TablePauseOrder>();
  const fetches: Promise<void>[] = [];
  for (const { manifest } of manifests) {
    for (const { table, files: stored } of manifest.tables) {
      const local = files.get(table) ?? [];
      files.set(table, local);
      for (const file of stored) {
        const slot = local.push({ path: '', file }) - 1;
        fetches.push(
          reader.fetch(file).then(
            (path) => {
              local[slot] = { path, file };
            },
            (failure: unknown) => {
              damaged.set(table, damageOf(table, failure));
            },
          ),
        );
      }
    }
  }
  await Promise.all(fetches);
  return { manifests, files, damaged };
}

export function rowsIn(window: PendingWindow): number {
  return [...window.files.values()].flat().reduce((rows, { file }) => rows + file.rows, 0);
}

/** What a live table has to merge of a window; null when the window does not concern it. */
export function changesOf(window: PendingWindow, entry: CaptureEntry): TableChanges | null {
  const changeFiles = window.files.get(entry.table) ?? [];
  const truncates = window.manifests.flatMap(({ manifest }) =>
    manifest.truncates.filter((truncate) => truncate.table === entry.table),
  );
  return changeFiles.length + truncates.length > 0 ? { entry, changeFiles, truncates } : null;
}

/** Removes the local files of a window that is merged. */
export async function discard(window: PendingWindow): Promise<void> {
  const paths = [...window.files.values()].flat().map((file) => file.path);
  await Promise.all(paths.filter((path) => path !== '').map((path) => rm(path, { force: true })));
}

/** Removes the local files of copies that are merged: they are as large as their tables. */
export async function discardLoads(loads: readonly TableLoad[]): Promise<void> {
  const paths = loads.flatMap((load) => [...load.chunkPaths, ...load.changeFiles.map((file) => file.path)]);
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}
