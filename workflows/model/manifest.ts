// The manifest: the object that makes a batch exist. It holds whole transactions of one epoch, [startLsn, endLsn), in
// commit order, and begins where the one before it ends. A transaction is covered if commitLsn < endLsn, never `<=`: the
// end of one commit record can be the start of the next. The format is described in docs/lake-format.md.

import type { LsnHex } from './lsn.ts';
import type { CapturedTable } from './relation.ts';

/** The newest version of a manifest: readers refuse a larger one. A manifest says the lowest that can hold what it holds. */
export const MANIFEST_FORMAT_VERSION = 2;
/** Of a manifest without inline files, and of what ends a snapshot. */
export const FIRST_FORMAT_VERSION = 1;

/** One life of a slot. The timeline is recorded too, but does not identify an epoch. */
export interface Epoch {
  readonly systemIdentifier: string;
  readonly slot: string;
  readonly consistentPoint: LsnHex;
}

/** The last transaction that the manifest log covers. When the server sends it again, it must be the same. */
export interface LastCommit {
  readonly lsn: LsnHex;
  readonly xid: number;
  /** ISO 8601, UTC, microseconds. */
  readonly time: string;
}

export interface DataFile {
  /** Object key, relative to the pipeline's root; of an inline file the key of its manifest, `#` and a number. */
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  /** Hex SHA-256 of the file: it counts only if this matches. */
  readonly sha256: string;
  readonly minCommitLsn: LsnHex;
  readonly maxCommitLsn: LsnHex;
  readonly minCommitTime: string;
  readonly maxCommitTime: string;
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  /** Updates that are the second half of a change of key. */
  readonly moved: number;
  /** Columns that the WAL did not carry in at least one row (unchanged TOAST). */
  readonly unchangedColumns: readonly string[];
  /** Base64 of an inline file, which is no object of its own. What keeps a manifest in memory leaves it out. */
  readonly inline?: string;
}

export interface ManifestTable {
  readonly table: string;
  /** `schemaVersion` of the captured table when the files were written. */
  readonly schemaVersion: string;
  readonly files: readonly DataFile[];
}

export interface Truncate {
  readonly table: string;
  readonly commitLsn: LsnHex;
  readonly ordinal: number;
}

/** The snapshot that the table's changes are folded onto. */
export interface SnapshotRef {
  readonly id: string;
  /** Every change with commitLsn >= r0Lsn beats the snapshot's rows. */
  readonly r0Lsn: LsnHex;
  /** First manifest that can contain such a change. */
  readonly fromSeq: number;
  /** Of a table with a key: it is read in one transaction all the same, so no row can move between two chunks. */
  readonly exact?: true;
}

export interface TablePause {
  readonly code: string;
  readonly reason: string;
  /** Position of the first change that is not in the lake. */
  readonly commitLsn: LsnHex;
}

export interface CaptureEntry extends CapturedTable {
  readonly schemaVersion: string;
  readonly snapshot: SnapshotRef;
  /** Only the WAL has described this shape: its snapshot is never taken; another follows once the catalog was read. */
  readonly provisional?: true;
  readonly paused?: TablePause;
}

export interface ManifestWriter {
  readonly workflowId: string;
  readonly runId: string;
  readonly attempt: number;
  /** Random per attempt: by this a writer that gets a 412 recognises its own first try. */
  readonly nonce: string;
  readonly version: string;
}

export interface Manifest {
  readonly formatVersion: number;
  readonly pipeline: string;
  /** 1, 2, 3, … over all epochs. */
  readonly seq: number;
  readonly epochNo: number;
  readonly epoch: Epoch;
  readonly timeline: number;
  /** Hex SHA-256 of the previous manifest's bytes; null only for seq 1. */
  readonly previousHash: string | null;
  readonly startLsn: LsnHex;
  readonly endLsn: LsnHex;
  /** Commit times of this batch; null in an empty manifest. */
  readonly firstCommitTime: string | null;
  readonly lastCommitTime: string | null;
  /** Latest commit time so far, in the whole manifest log; null before the first commit. */
  readonly effectiveTime: string | null;
  readonly lastCommit: LastCommit | null;
  readonly transactions: number;
  readonly tables: readonly ManifestTable[];
  readonly truncates: readonly Truncate[];
  /** All captured tables if this manifest changes them, else null: then manifest `captureSeq` has them. */
  readonly capture: readonly CaptureEntry[] | null;
  readonly captureSeq: number;
  readonly writer: ManifestWriter;
}

/** A manifest with the hash of its exact bytes. */
export interface StoredManifest {
  readonly manifest: Manifest;
  /** Hex SHA-256 of the stored bytes. */
  readonly hash: string;
}

/** `snapshot/<schema>/<table>/<id>/complete.json`: the snapshot is complete. */
export interface SnapshotComplete {
  readonly formatVersion: number;
  readonly table: string;
  readonly id: string;
  readonly r0Lsn: LsnHex;
  /** Insert LSN read after the last chunk: the table may become live in any merge that ends at or after it. */
  readonly endLsn: LsnHex;
  readonly rows: number;
  readonly files: readonly SnapshotFile[];
}

/** `snapshot/<schema>/<table>/<id>/<n>.json`: chunk n of a snapshot in progress is stored. */
export interface ChunkMarker {
  /** Null for the only chunk of an empty table. */
  readonly file: SnapshotFile | null;
  /** Key of the chunk's last row, as PostgreSQL prints it. */
  readonly lastKey: readonly string[] | null;
  /** No chunk follows. */
  readonly last: boolean;
}

/** `snapshot/<schema>/<table>/<id>/failed.json`: the snapshot cannot be taken from the rows as they are. */
export interface SnapshotFailure {
  readonly formatVersion: number;
  readonly table: string;
  readonly id: string;
  readonly code: string;
  readonly reason: string;
}

export interface SnapshotFile {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}
