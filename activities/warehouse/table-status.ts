// The state of captured tables in the warehouse, and what was merged into them.

import type { LsnHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import type { TableName } from '../../workflows/model/relation.ts';
import type { RunRef } from '../../workflows/model/run.ts';
import type { RowCounts } from './merge-plan.ts';

/** `detached`: no longer captured, because it was dropped, renamed or left out; its rows stay as they were. */
export type TableState = 'loading' | 'live' | 'paused' | 'append-only' | 'detached';

/** Tables in these states stand at the watermark. Others have a position of their own. */
export const FLOWING: readonly TableState[] = ['live', 'append-only'];

export interface TableStatus {
  readonly table: string;
  /** Where its rows are. */
  readonly place: TableName;
  readonly state: TableState;
  /** When it came into this state; ISO 8601 UTC. */
  readonly since: string;
  readonly reason: { readonly code: string; readonly text: string } | null;
  /** The snapshot and shape of its rows, or of those that are being loaded. */
  readonly entry: CaptureEntry;
  /** The position of a table that does not stand at the watermark; null for all others, and before a first load. */
  readonly mergedTo: { readonly seq: number; readonly lsn: LsnHex } | null;
}

/** One merged window: manifests seqFrom to seqTo, commits from lsnFrom until before lsnTo. */
export interface LedgerEntry extends RunRef {
  readonly seqFrom: number;
  readonly seqTo: number;
  readonly lsnFrom: LsnHex;
  readonly lsnTo: LsnHex;
  /** By table id. */
  readonly rows: Readonly<Record<string, RowCounts>>;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly mergedAt: string;
}
