// One window on its way to the warehouse: whole manifests, and what of them concerns a table. Pure.

import type { CaptureEntry, DataFile, StoredManifest } from '../../workflows/model/manifest.ts';
import { placed, type TableChanges } from '../warehouse/merge-plan.ts';

export type PendingWindow = readonly StoredManifest[];

export function rowsIn(window: PendingWindow): number {
  return filesIn(window).reduce((rows, file) => rows + file.rows, 0);
}

/** Of every table, in every shape it had in these manifests. */
export function filesIn(window: PendingWindow): readonly DataFile[] {
  return window.flatMap(({ manifest }) => manifest.tables.flatMap((table) => table.files));
}

/** Only files in the table's own shape: others are contained in its next snapshot, or belong to it. */
export function filesOf(window: PendingWindow, { table, schemaVersion }: CaptureEntry): readonly DataFile[] {
  return window.flatMap(({ manifest }) =>
    manifest.tables.flatMap((t) => (t.table === table && t.schemaVersion === schemaVersion ? t.files : [])),
  );
}

/** What a live table has to merge of a window; null when the window does not concern it. */
export function changesOf(window: PendingWindow, entry: CaptureEntry): TableChanges | null {
  const files = filesOf(window, entry);
  const truncates = window.flatMap(({ manifest }) =>
    manifest.truncates.filter((truncate) => truncate.table === entry.table),
  );
  return files.length + truncates.length > 0 ? { ...placed(entry), files, truncates } : null;
}
