// The manifest: the object that makes a batch exist. One manifest = whole transactions of one epoch, [startLsn, endLsn),
// in commit order. Manifests of an epoch abut; a transaction is covered iff commitLsn < endLsn (never `<=`: the end of
// one commit record can be the start of the next). Format page: docs/lake-format.md.

import type { LsnHex } from './lsn.ts';
import type { CapturedTable } from './relation.ts';

/** Written into every manifest; a reader refuses a larger one. */
export const MANIFEST_FORMAT_VERSION = 1;

/** One life of a slot. The timeline is recorded beside it, it is not identity. */
export interface Epoch {
  readonly systemIdentifier: string;
  readonly slot: string;
  readonly consistentPoint: LsnHex;
}

/** The last transaction a manifest log covers; resent transactions must match it. */
export interface LastCommit {
  readonly lsn: LsnHex;
  readonly xid: number;
  /** ISO 8601, UTC, microseconds. */
  readonly time: string;
}

export interface DataFile {
  /** Object key, relative to the pipeline's root. */
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  /** Hex SHA-256 of the object: the file counts only if it matches. */
  readonly sha256: string;
  readonly minCommitLsn: LsnHex;
  readonly maxCommitLsn: LsnHex;
  readonly minCommitTime: string;
  readonly maxCommitTime: string;
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  /** Updates that are the second half of a key change. */
  readonly moved: number;
  /** Columns the log did not carry in at least one row (unchanged TOAST); empty = the fast merge path is safe. */
  readonly unchangedColumns: readonly string[];
}

export interface ManifestTable {
  readonly table: string;
  /** `schemaVersion` of the captured table the files were written with. */
  readonly schemaVersion: string;
  readonly files: readonly DataFile[];
}

export interface Truncate {
  readonly table: string;
  readonly commitLsn: LsnHex;
  readonly ordinal: number;
}

/** Which copy of the table the log's changes are folded onto. */
export interface SnapshotRef {
  readonly id: string;
  /** Every change with commitLsn >= r0Lsn beats the copied rows. */
  readonly r0Lsn: LsnHex;
  /** First manifest that can hold such a change. */
  readonly fromSeq: number;
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
  /** Only the log has described this shape: the snapshot is never made, another one follows once the catalog was asked. */
  readonly provisional?: true;
  readonly paused?: TablePause;
}

export interface ManifestWriter {
  readonly workflowId: string;
  readonly runId: string;
  readonly attempt: number;
  /** Random per attempt: how a writer recognises its own first try behind a 412. */
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
  /** Running maximum of commit times in commit order, over the whole log; null until the first commit. */
  readonly effectiveTime: string | null;
  readonly lastCommit: LastCommit | null;
  readonly transactions: number;
  readonly tables: readonly ManifestTable[];
  readonly truncates: readonly Truncate[];
  /** All captured tables, only when this manifest changes them; otherwise see the manifest `captureSeq` names. */
  readonly capture: readonly CaptureEntry[] | null;
  readonly captureSeq: number;
  readonly writer: ManifestWriter;
}

/** A manifest together with the hash that names its exact bytes. */
export interface StoredManifest {
  readonly manifest: Manifest;
  /** Hex SHA-256 of the stored bytes. */
  readonly hash: string;
}

/** `snapshot/<schema>/<table>/<id>/complete.json`: the copy is whole. */
export interface SnapshotComplete {
  readonly formatVersion: number;
  readonly table: string;
  readonly id: string;
  readonly r0Lsn: LsnHex;
  /** Insert LSN read after the last chunk: the table may go live at any merge whose end is at or past it. */
  readonly endLsn: LsnHex;
  readonly rows: number;
  readonly files: readonly SnapshotFile[];
}

/** `snapshot/<schema>/<table>/<id>/<n>.json`: chunk n of a copy in progress is stored. */
export interface ChunkMarker {
  /** Null for an empty table's only chunk. */
  readonly file: SnapshotFile | null;
  /** Key values, as PostgreSQL prints them, of the chunk's last row. */
  readonly lastKey: readonly string[] | null;
  /** No chunk follows. */
  readonly last: boolean;
}

export interface SnapshotFile {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}
