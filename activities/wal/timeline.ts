// The history of a server's timeline: which older timelines its WAL continues, and where each of them ended. A promoted
// standby begins a new timeline: WAL before the switch is shared, what the old primary wrote after it is not.
// Format: readTimeLineHistory in https://github.com/postgres/postgres/blob/master/src/backend/access/transam/timeline.c

import { type Lsn, parseLsn } from '../../workflows/model/lsn.ts';

/**
 * Where a timeline ended, from the history file of a later one; null when the later one does not descend from it.
 * @param history lines `parent timeline, tab, X/Y of the switch, tab, reason`; comments begin with `#`
 */
export function timelineEnd(history: string, timeline: number): Lsn | null {
  for (const line of history.split('\n')) {
    const [, parent, switchedAt] = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line) ?? [];
    if (switchedAt !== undefined && Number(parent) === timeline) return parseLsn(switchedAt);
  }
  return null;
}
