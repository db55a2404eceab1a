// Waits until the warehouse has merged a position of the source, and asks ingest meanwhile to cover it: an idle source
// writes nothing that would.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Lsn, parseLsn } from '../../workflows/model/lsn.ts';
import type { Watermark } from '../../workflows/model/watermark.ts';
import type { WaitResult } from '../http/backend.ts';

/** A merge wakes its waiters; this is for what no merge tells: a log that has come to another epoch. */
const LOOK_EVERY_MS = 1_000;
/** A nudge is a notification: it is lost while ingest does not listen, or the source cannot be asked. */
const NUDGE_EVERY_MS = 2_000;

interface MergedPosition {
  watermark(): Promise<Watermark>;
  readonly nextMerge: Promise<void>;
  /** Epoch of the log's end, at most a second old. */
  readonly reading: { readonly headEpochNo: number };
  nudge(lsn: Lsn): Promise<void>;
}

export async function waitMerged(
  pipeline: MergedPosition,
  lsn: Lsn,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<WaitResult> {
  const untilMs = performance.now() + timeoutMs;
  let nudgeAtMs = 0;
  for (;;) {
    // Before the look: a merge in between would go unnoticed.
    const { nextMerge } = pipeline;
    const { endLsn, epochNo } = await pipeline.watermark();
    // A restored server counts from a smaller position again: what an older epoch reached says nothing about this one.
    const reached = parseLsn(endLsn) >= lsn && epochNo >= pipeline.reading.headEpochNo;
    if (reached || performance.now() >= untilMs || signal.aborted) return { reached, mergedLsn: endLsn };
    // Only once it is clear that somebody has to wait; a source that does not answer must not hold the waiter.
    if (performance.now() >= nudgeAtMs) {
      pipeline.nudge(lsn).catch(() => {});
      nudgeAtMs = performance.now() + NUDGE_EVERY_MS;
    }
    await firstOf(nextMerge, Math.min(LOOK_EVERY_MS, untilMs - performance.now()), signal);
  }
}

async function firstOf(event: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const time = sleep(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => {});
  await Promise.race([event, time]);
  over.abort();
}
