// What the warehouse says about a captured table.

import type { LsnHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';

export type TableState = 'loading' | 'live' | 'paused' | 'append-only';

/** Tables in these states flow: they stand at the watermark. The others have a position of their own. */
export const FLOWING: readonly TableState[] = ['live', 'append-only'];

export interface TableStatus {
  readonly table: string;
  readonly state: TableState;
  readonly reason: { readonly code: string; readonly text: string } | null;
  /** The copy and shape its rows come from, or are about to. */
  readonly entry: CaptureEntry;
  /** Where a table stands that does not follow the watermark; null also for one that has never been loaded. */
  readonly mergedTo: { readonly seq: number; readonly lsn: LsnHex } | null;
}
