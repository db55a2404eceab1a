// Waits until everything the source committed before a position can be read in the warehouse, and nudges ingest to cover
// that position: an idle source writes nothing that would.

import { setTimeout as sleep } from 'node:timers/promises';
import { FLOWING, type TableState } from '../../activities/warehouse/table-status.ts';
import { type Lsn, parseLsn } from '../../workflows/model/lsn.ts';
import type { Watermark } from '../../workflows/model/watermark.ts';
import type { WaitRequest, WaitResult } from '../http/backend.ts';

/** A merge wakes its waiters; looking is for what no merge reports: a new epoch, a table that pauses. */
const LOOK_EVERY_MS = 1_000;
/** A nudge is lost while ingest does not listen or the source does not answer. */
const NUDGE_EVERY_MS = 2_000;

interface WaitedFor {
  watermark(): Promise<Watermark>;
  /** Tables that the warehouse has. */
  tables(): Promise<readonly { readonly table: string; readonly state: TableState }[]>;
  readonly nextMerge: Promise<void>;
  /** Epoch of the last manifest, at most a second old. */
  readonly reading: { readonly headEpochNo: number };
  /** False = the source's WAL does not reach that far. */
  nudge(lsn: Lsn): Promise<boolean>;
}

/** Ends early for a position that the source has not reached: there is no commit to wait for. */
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
    // Taken before looking, so that a merge in between is noticed.
    const { nextMerge } = pipeline;
    const { endLsn, epochNo } = await pipeline.watermark();
    // After a restore positions begin smaller again: what an older epoch reached says nothing about this one.
    const merged = parseLsn(endLsn) >= lsn && epochNo >= pipeline.reading.headEpochNo;
    const ends = over || performance.now() >= untilMs || signal.aborted;
    if (merged || ends) {
      const { notLive, known } = await readable(pipeline, tables);
      const reached = merged && known && notLive.length === 0;
      if (reached || ends) return { reached, mergedLsn: endLsn, notLive };
    }
    // Only once it is clear that waiting is needed; and without awaiting, because the source may not answer.
    if (!merged && performance.now() >= nudgeAtMs) {
      pipeline.nudge(lsn).then(
        (written) => written || unwritten.resolve('unwritten'),
        () => {},
      );
      nudgeAtMs = performance.now() + NUDGE_EVERY_MS;
    }
    const waitMs = Math.max(0, Math.min(LOOK_EVERY_MS, untilMs - performance.now()));
    over = await firstOf([nextMerge, unwritten.promise], waitMs, signal);
  }
}

/** Which of the given tables cannot be read; null = all that are captured. Before the first merge there are none. */
async function readable(pipeline: WaitedFor, asked: readonly string[] | null) {
  const all = await pipeline.tables();
  const live = (state: TableState | undefined) => state !== undefined && FLOWING.includes(state);
  const captured = () => all.filter(({ state }) => state !== 'detached' && !live(state)).map(({ table }) => table);
  const stateOf = (name: string) => all.find(({ table }) => table === name)?.state;
  const notLive = asked?.filter((name) => !live(stateOf(name))) ?? captured();
  return { notLive: notLive.sort(), known: all.length > 0 };
}

/** True when there is no use in waiting any longer. */
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
