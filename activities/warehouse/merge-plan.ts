// What one merge transaction is asked to do, and what it says it did (station 8 of a row). A plan covers one window: whole
// manifests between two watermarks. It names files of the lake; how to get their bytes is up to the engine.

import type { AssetEdge, CapturedAsset } from '../../workflows/model/asset/graph.ts';
import type { LsnHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, DataFile, SnapshotFile, Truncate } from '../../workflows/model/manifest.ts';
import type { TableName } from '../../workflows/model/relation.ts';
import type { RunRef } from '../../workflows/model/run.ts';
import type { Watermark } from '../../workflows/model/watermark.ts';

/** The table of the warehouse that changes are merged into, and how. */
export interface MergeTarget extends TableName {
  /** mirror = one row per key, as in the source; append = rows are added, and a truncate removes all of them. */
  readonly mode: 'mirror' | 'append';
}

export interface PlacedTable {
  readonly entry: CaptureEntry;
  readonly target: MergeTarget;
}

/** A captured table with its place: named like the source's. */
export function placed(entry: CaptureEntry): PlacedTable {
  const { schema, name } = entry;
  return { entry, target: { schema, name, mode: entry.mode === 'keyed' ? 'mirror' : 'append' } };
}

export type TruncatePoint = Pick<Truncate, 'commitLsn' | 'ordinal'>;

/** The changes of one table in the window. */
export interface TableChanges extends PlacedTable {
  readonly files: readonly DataFile[];
  readonly truncates: readonly TruncatePoint[];
}

/** A table that becomes live in this transaction: the rows of its snapshot, and every change from R0 to the window's end. */
export interface TableLoad extends TableChanges {
  /** Changes with commitLsn >= r0Lsn beat the snapshot's rows; the value in its `complete.json`. */
  readonly r0Lsn: LsnHex;
  readonly chunks: readonly SnapshotFile[];
}

export interface TablePauseOrder {
  readonly table: string;
  /** Error code, e.g. DATA_FILE_DAMAGED. */
  readonly code: string;
  /** For people; no values of cells. */
  readonly reason: string;
}

export interface MergePlan {
  readonly pipeline: string;
  /** The watermark this plan was made from: the merge happens only if it is still the same. */
  readonly expected: Watermark;
  readonly next: Watermark;
  readonly run: RunRef;
  /**
   * Every table that is live or append-only, as far as this plan knows. ⚠ A load without new manifests makes a table live and
   * does not move the watermark: a plan that does not know of it would skip that table's changes.
   */
  readonly flowing: readonly string[];
  /** Those of them that the window changes. */
  readonly tables: readonly TableChanges[];
  readonly loads: readonly TableLoad[];
  /** New tables and new snapshots: state `loading`; old rows stay readable until the load. */
  readonly begins: readonly PlacedTable[];
  readonly pauses: readonly TablePauseOrder[];
  /** Tables no longer captured: detached with their rows, or forgotten if they never had any. */
  readonly removes: readonly string[];
  /** From the pipeline's tables to the assets that read them: these become due when a table changes. */
  readonly readers: readonly AssetEdge<CapturedAsset>[];
  /** ISO 8601 UTC. */
  readonly nowIso: string;
}

/** Merged changes, as the writer counted them; `loaded` = rows of a snapshot. */
export interface RowCounts {
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  readonly loaded: number;
}

export type MergeOutcome =
  | { readonly tag: 'already-merged'; readonly watermark: Watermark }
  | {
      readonly tag: 'merged';
      readonly rows: Readonly<Record<string, RowCounts>>;
      /** Keys of assets that are due now because of this merge. */
      readonly touchedAssets: readonly string[];
      /** Tables whose snapshot lacks an unchanged value: still `loading`, they need a new snapshot. */
      readonly unresolved: readonly string[];
      /** Tables that the merge itself paused. */
      readonly paused: readonly TablePauseOrder[];
    };
