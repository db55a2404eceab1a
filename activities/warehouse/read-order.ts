// A query for a process of its own: it has neither the warehouse nor its memory, only copies of the tables that it names.

import type { QueryLimits, QueryResult, QueryValue } from './query.ts';

/** A query, and the bounds of its answer. */
export interface Read {
  readonly sql: string;
  /** For `$1`, `$2`, … or `?`: null, boolean, number, text. */
  readonly parameters: readonly QueryValue[];
  readonly limits: Pick<QueryLimits, 'maxRows' | 'maxBytes'>;
}

/** How much a read may take of what it shares with merges. */
export interface ReadBounds {
  /** Of memory, beyond what was used before the read. */
  readonly memoryBytes: number;
  /** Of the disk, for what is copied or does not fit into memory. */
  readonly diskBytes: number;
}

export interface ReadOrder extends Read, ReadBounds {
  /** A database file with the tables, and with nothing else; null = it reads none. */
  readonly databasePath: string | null;
  /** An own folder, for what does not fit into memory. */
  readonly spillFolder: string;
}

/**
 * Answers an order in a process of its own, which ends with it.
 * @param signal ends the process at once; rejects with its reason
 * @throws WalflowError QUERY_TOO_LARGE when it takes more memory than it may; any failure of the query
 */
export type ReadApart = (order: ReadOrder, signal: AbortSignal) => Promise<QueryResult>;
