// The range of partitions that a request names.

import { keysInRange } from '../../workflows/model/asset/key-range.ts';
import type { PartitionKey } from '../../workflows/model/asset/partition.ts';
import type { Partitions } from '../../workflows/model/asset/partitioning.ts';
import { WalflowError } from '../../workflows/model/errors.ts';

interface RequestedRange {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** @param refusal of a wrong key: that is a mistake of the caller, not of the definition */
export function requestedKeys(
  partitions: Partitions,
  { from, to }: RequestedRange,
  nowMs: number,
  refusal: (what: string, cause: WalflowError) => WalflowError,
): readonly PartitionKey[] {
  try {
    const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    return keysInRange(partitions, range, nowMs);
  } catch (failure) {
    if (failure instanceof WalflowError) throw refusal(failure.message, failure);
    throw failure;
  }
}
