// Waits until everything the source committed before a position can be read in the warehouse, and nudges ingest to cover
// that position: an idle source writes nothing that would.

import { FLOWING, type TableState } from '../../activities/warehouse/table-status.ts';
import { ignored, safely } from '../../workflows/model/callback.ts';
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
  const bell = new Bell();
  const ring = () => bell.ring();
  const timers = [setInterval(safely(ring, ignored), LOOK_EVERY_MS), setTimeout(safely(ring, ignored), timeoutMs)];
  signal.addEventListener('abort', ring, { once: true });
  let unwritten = false;
  let heard: Promise<void> | null = null;
  let nudgeAtMs = 0;
  try {
    for (;;) {
      bell.silence();
      // Asked for before looking, so that a merge in between is noticed; once a merge, or an idle one would gather listeners.
      const { nextMerge } = pipeline;
      if (nextMerge !== heard) void nextMerge.then(ring);
      heard = nextMerge;
      const { endLsn, epochNo } = await pipeline.watermark();
      // After a restore positions begin smaller again: what an older epoch reached says nothing about this one.
      const merged = parseLsn(endLsn) >= lsn && epochNo >= pipeline.reading.headEpochNo;
      const ends = unwritten || performance.now() >= untilMs || signal.aborted;
      if (merged || ends) {
        const { notLive, known } = await readable(pipeline, tables);
        const reached = merged && known && notLive.length === 0;
        if (reached || ends) return { reached, mergedLsn: endLsn, notLive };
      }
      // Only once it is clear that waiting is needed; and without awaiting, because the source may not answer.
      if (!merged && performance.now() >= nudgeAtMs) {
        pipeline.nudge(lsn).then(
          (written) => {
            unwritten ||= !written;
            if (!written) ring();
          },
          () => {},
        );
        nudgeAtMs = performance.now() + NUDGE_EVERY_MS;
      }
      await bell.rung();
    }
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', ring);
  }
}

/** Hundreds wait at once: a look costs each of them one promise, and no timer or signal of its own. */
class Bell {
  #rang = false;
  #wake: () => void = () => {};

  ring(): void {
    this.#rang = true;
    this.#wake();
  }

  silence(): void {
    this.#rang = false;
  }

  /** Resolves at once if it rang since `silence`. */
  rung(): Promise<void> {
    return this.#rang ? Promise.resolve() : new Promise((resolve) => (this.#wake = resolve));
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
