// One partition of an asset: its key, and the instants it covers if it is one by time.

/** Names one partition of an asset: `2026-11-27` for a day. */
export type PartitionKey = string;

/** Microseconds since 1970-01-01 UTC, half-open. */
export interface Instants {
  readonly fromUs: bigint;
  readonly toUs: bigint;
}
