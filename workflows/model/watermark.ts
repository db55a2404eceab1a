// The watermark: position up to which a warehouse is merged. It names the exact manifest, by hash, so that a log that
// was swapped under the warehouse is noticed before anything is merged on top of it.

import type { LsnHex } from './lsn.ts';

export interface Watermark {
  readonly epochNo: number;
  readonly seq: number;
  readonly manifestHash: string;
  /** Exclusive: everything that committed before this position is merged. */
  readonly endLsn: LsnHex;
  readonly effectiveTime: string | null;
}

/** Where a warehouse stands that has merged nothing: before manifest 1. */
export const NOTHING_MERGED: Watermark = {
  epochNo: 0,
  seq: 0,
  manifestHash: '',
  endLsn: '0000000000000000',
  effectiveTime: null,
};
