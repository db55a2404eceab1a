// Waits until what the source had written up to a position can be read in the warehouse, and asks ingest meanwhile to cover
// that position: an idle source writes nothing that would.

import { setTimeout as sleep } from 'node:timers/promises';
import { FLOWING, type TableState } from '../../activities/warehouse/table-status.ts';
import { type Lsn, parseLsn } from '../../workflows/model/lsn.ts';
import type { Watermark } from '../../workflows/model/watermark.ts';
import type { WaitRequest, WaitResult } from '../http/backend.ts';

/** A merge wakes its waiters; this is for what no merge tells: a log that has come to another epoch, a table that pauses. */
const LOOK_EVERY_MS = 1_000;
/** A nudge is a notification: it is lost while ingest does not listen, or the source cannot be asked. */
const NUDGE_EVERY_MS = 2_000;

interface WaitedFor {
  watermark(): Promise<Watermark>;
  /** Captured tables that the warehouse knows. */
  tables(): Promise<readonly { readonly table: string; readonly state: TableState }[]>;
  readonly nextMerge: Promise<void>;
  /** Epoch of the log's end, at most a second old. */
  readonly reading: { readonly headEpochNo: number };
  /** False = the source has not written that far. */
  nudge(lsn: Lsn): Promise<boolean>;
}

/** Ends early for a position that the source has not written: no commit before it is there to be waited for. */
export async function waitReadable(
  pipeline: WaitedFor,
  { lsn, tables, timeoutMs }: WaitRequest,
  signal: AbortSignal,
): Promise<WaitResult> {
  const untilMs = performance.now() + timeoutMs;
  const unwritten = Promise.withResolvers<'unwritten'>();
  let over = false;
  let nudgeAtMs = 0;
  for (;;) {
    // Before the look: a merge in between would go unnoticed.
    const { nextMerge } = pipeline;
    const { endLsn, epochNo } = await pipeline.watermark();
    // A restored server counts from a smaller position again: what an older epoch reached says nothing about this one.
    const merged = parseLsn(endLsn) >= lsn && epochNo >= pipeline.reading.headEpochNo;
    const { notLive, known } = await readable(pipeline, tables);
    const reached = merged && known && notLive.length === 0;
    if (reached || over || performance.now() >= untilMs || signal.aborted)
      return { reached, mergedLsn: endLsn, notLive };
    // Only once it is clear that somebody has to wait; a source that does not answer must not hold the waiter.
    if (!merged && performance.now() >= nudgeAtMs) {
      pipeline.nudge(lsn).then(
        (written) => written || unwritten.resolve('unwritten'),
        () => {},
      );
      nudgeAtMs = performance.now() + NUDGE_EVERY_MS;
    }
    over = await firstOf([nextMerge, unwritten.promise], Math.min(LOOK_EVERY_MS, untilMs - performance.now()), signal);
  }
}

/** Which of the tables asked for cannot be read; null asks for all. Before the first merge there are none, and none to read. */
async function readable(pipeline: WaitedFor, asked: readonly string[] | null) {
  const states = new Map((await pipeline.tables()).map(({ table, state }) => [table, state]));
  const notLive = (asked ?? [...states.keys()]).filter((table) => {
    const state = states.get(table);
    return state === undefined || !FLOWING.includes(state);
  });
  return { notLive: notLive.sort(), known: states.size > 0 };
}

/** True when it is known that waiting on is in vain. */
async function firstOf(
  events: readonly [Promise<void>, Promise<'unwritten'>],
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  const over = new AbortController();
  const time = sleep(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => {});
  const first = await Promise.race([...events, time]);
  over.abort();
  return first === 'unwritten';
}
