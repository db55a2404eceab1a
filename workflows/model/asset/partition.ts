// Partitions of an asset: named by text; a time partition covers the instants [from, to). All arithmetic with them is here; an
// engine only decides to which partition a value belongs.

import { WalflowError } from '../errors.ts';

/** Names one partition of an asset: `2026-11-27` for a day. */
export type PartitionKey = string;

export interface DailyPartitions {
  readonly kind: 'daily';
  /** First day, `YYYY-MM-DD`, UTC. */
  readonly start: PartitionKey;
  /** Column of the result that holds the day. */
  readonly output: string;
}

/** Microseconds since 1970-01-01 UTC, half-open. */
export interface Instants {
  readonly fromUs: bigint;
  readonly toUs: bigint;
}

const DAY_US = 86_400_000_000n;
const DAY_KEY = /^(\d{4,6})-(\d\d)-(\d\d)$/;
/** The last day whose end can be computed: later dates belong to no partition, like those before `start`. */
export const LAST_DAY: PartitionKey = '275760-09-12';

/**
 * The instants of a day.
 * @throws WalflowError ASSET_INVALID when the key is not a day.
 */
export function instantsOf(key: PartitionKey): Instants {
  const [, year = '', month, day] = DAY_KEY.exec(key) ?? [];
  // https://tc39.es/ecma262/#sec-expanded-years
  const fromMs = Date.parse(`+${year.padStart(6, '0')}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(fromMs)) throw new WalflowError('ASSET_INVALID', `"${key}" is not a day`);
  const fromUs = BigInt(fromMs) * 1000n;
  return { fromUs, toUs: fromUs + DAY_US };
}
