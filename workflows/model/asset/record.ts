// The record of a materialization: what was computed, from which inputs, by which run, with which code.

import type { LsnHex } from '../lsn.ts';
import type { RunRef } from '../run.ts';
import type { PartitionKey } from './partition.ts';

/** One input, as the materialization read it. */
export interface MaterializationInput {
  readonly asset: string;
  /** Watermark of the reading. */
  readonly lsnTo: LsnHex;
  readonly seqTo: number;
  /** First manifest not yet seen by the previous materialization. */
  readonly seqFrom: number;
  readonly lsnFrom: LsnHex;
}

/** A check that did not pass on what was published; `error` = its SQL failed. */
export interface CheckMark {
  readonly name: string;
  readonly state: 'warned' | 'failed' | 'error';
}

export interface Materialization extends RunRef {
  readonly id: string;
  readonly asset: string;
  /** Null = the asset has no partitions. */
  readonly partition: PartitionKey | null;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly startedAt: string;
  readonly rows: number;
  /** The rows are what they were: for its readers nothing has changed. */
  readonly unchanged?: true;
  readonly inputs: readonly MaterializationInput[];
  /** Hash of the asset's code (its SQL and partitioning). */
  readonly codeVersion: string;
  /** Checks that did not pass afterwards; without it, all of them did. */
  readonly checks?: readonly CheckMark[];
}
