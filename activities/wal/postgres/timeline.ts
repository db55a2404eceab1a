// Reads the history of a server's timeline; only a replication connection can.
// https://www.postgresql.org/docs/current/protocol-replication.html (TIMELINE_HISTORY)

import type { Lsn } from '../../../workflows/model/lsn.ts';
import { timelineEnd } from '../timeline.ts';
import { connect } from './connection.ts';

/**
 * Where the WAL of an earlier timeline ended, according to a server on timeline `current`; null when its history does not
 * contain the earlier one.
 * @throws WalflowError as `connect` does.
 */
export async function readTimelineEnd(url: string, current: number, earlier: number): Promise<Lsn | null> {
  // The first timeline has no history, and no timeline descends from a later one.
  if (current <= earlier) return null;
  const walsender = await connect(url, 'walflow timeline', true);
  try {
    const [row] = await walsender.textRows(`TIMELINE_HISTORY ${current}`);
    return timelineEnd(row?.[1] ?? '', earlier);
  } finally {
    await walsender.close();
  }
}
