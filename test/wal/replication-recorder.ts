// Follows a slot in a test: decodes everything into an event log and answers what arrived.

import { expect } from 'vitest';
import { PgoutputDecoder } from '../../activities/wal/pgoutput.ts';
import {
  openReplicationStream,
  type ReplicationStream,
  type ReplicationStreamOptions,
} from '../../activities/wal/postgres/stream.ts';
import { type Lsn, parseLsn } from '../../workflows/model/lsn.ts';
import { EventLog } from './event-log.ts';

export interface Recorder {
  readonly stream: ReplicationStream;
  /** Positions of the keepalives, and which of them asked for an answer. */
  readonly keepalives: { readonly walEnd: Lsn; readonly replyRequested: boolean }[];
  /** First column of every inserted row so far. */
  inserted(): string[];
  /** Every inserted row so far. */
  rows(): (string | null)[][];
  /** The changes so far that were too large to hold. */
  tooLarge(): Record<string, unknown>[];
  /** End positions of the commits so far. */
  commitEnds(): Lsn[];
  /** Waits until that many rows have been inserted. */
  untilInserted(count: number): Promise<void>;
}

export async function record(
  options: Pick<ReplicationStreamOptions, 'url' | 'slot' | 'publications'> & Partial<ReplicationStreamOptions>,
): Promise<Recorder> {
  const log = new EventLog();
  const decoder = new PgoutputDecoder(log);
  const keepalives: { walEnd: Lsn; replyRequested: boolean }[] = [];
  const stream = await openReplicationStream({
    applicationName: `walflow ${options.slot} stream`,
    startLsn: 0n,
    decode: (buffer, offset, end) => decoder.decode(buffer, offset, end),
    maxRowBytes: 2 ** 30,
    onLargeChange: (largest) => decoder.skipLarge(largest),
    onKeepalive: (walEnd, replyRequested) => keepalives.push({ walEnd, replyRequested }),
    settledLsn: () => 0n,
    coalesceMs: 3,
    ...options,
  });
  const rows = () =>
    log.events.flatMap((event) => (event['event'] === 'insert' ? [event['row'] as (string | null)[]] : []));
  const inserted = () => rows().map(([first]) => String(first));
  return {
    stream,
    keepalives,
    inserted,
    rows,
    tooLarge: () => log.events.filter((event) => event['event'] === 'tooLarge'),
    commitEnds: () =>
      log.events.flatMap((event) => (event['event'] === 'commit' ? [parseLsn(String(event['endLsn']))] : [])),
    untilInserted: (count) => expect.poll(() => inserted().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count),
  };
}
