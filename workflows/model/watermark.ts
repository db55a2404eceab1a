// The watermark: the position up to which a warehouse is merged. It identifies the manifest by its hash, so that a manifest
// log that was replaced is noticed before anything from it is merged.

import type { LsnHex } from './lsn.ts';

export interface Watermark {
  readonly epochNo: number;
  readonly seq: number;
  readonly manifestHash: string;
  /** Exclusive: everything that committed before this position is merged. */
  readonly endLsn: LsnHex;
  readonly effectiveTime: string | null;
}

/** The watermark of a warehouse that has merged nothing: before manifest 1. */
export const NOTHING_MERGED: Watermark = {
  epochNo: 0,
  seq: 0,
  manifestHash: '',
  endLsn: '0000000000000000',
  effectiveTime: null,
};
