// Stations 8 and 9 on a row's way: merges everything pending in the lake into the warehouse, window by window, each in one
// transaction over all tables. Idempotency key: the watermark (epoch, seq, manifest hash); nothing at or below it is merged.

import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { MergeInput, MergeResult } from '../workflows/model/run.ts';
import { runRef, withHeartbeat } from './activity.ts';
import { lookAgainMs, restMs } from './merging/pace.ts';
import { type PendingWindow, rowsIn } from './merging/pending-window.ts';
import { MergeSession } from './merging/session.ts';
import { pipelineOf, type WarehouseResources } from './resources.ts';

/** The activity returns within a minute, so that the history soon shows what was merged. */
const MAX_RUN_MS = 50_000;
/** From here on the next window is read while one is merged, and the merge does not rest. */
const BULK = { rows: 10_000, manifests: 16 };
/** After a window this large the next one takes long to fill: looking less often costs both ends less. */
const LARGE = { rows: 50_000, lookMs: 60 };

/** Merges everything pending, lingers for more, and returns what it merged. */
export async function mergePending(resources: WarehouseResources, input: MergeInput): Promise<MergeResult> {
  const session = new MergeSession(resources, pipelineOf(resources, input.pipeline), runRef());
  return await withHeartbeat(
    () => session.tally.progress(),
    async () => {
      await session.start(input.rejected);
      const more = await new Drain(session, Context.current().cancellationSignal).run();
      return session.result(more);
    },
  );
}

/** Merges until nothing has come for a while or the time is over. */
class Drain {
  readonly #session: MergeSession;
  readonly #cancelled: AbortSignal;
  readonly #endMs = performance.now() + MAX_RUN_MS;
  #lastWorkMs = performance.now();
  #pollMs: number;
  #ahead: Promise<PendingWindow | null> | null = null;
  /** Nothing was there at the last look: what the next one finds has just landed. */
  #waits = false;

  constructor(session: MergeSession, cancelled: AbortSignal) {
    this.#session = session;
    this.#cancelled = cancelled;
    this.#pollMs = session.pace.pollMs;
  }

  /** Returns whether more may be pending. */
  async run(): Promise<boolean> {
    const { tally } = this.#session;
    for (;;) {
      const window = await (this.#ahead ?? this.#session.next());
      this.#ahead = null;
      this.#cancelled.throwIfAborted();
      if (window !== null && !(await this.#merge(window))) return true;
      this.#waits = window === null;
      const worked = window !== null || (await this.#session.loadOnly());
      // A table that needs a new snapshot ends the run: only the workflow can ask for one, and must not wait under load.
      if (tally.hasNewRejected) return true;
      if (worked) this.#lastWorkMs = performance.now();
      else if (await this.#isOver()) return false;
      else await this.#sleep(lookAgainMs(performance.now() - this.#lastWorkMs, this.#pollMs));
    }
  }

  /** False when the run must end: its time is over, or another merge was faster and this one's view is old. */
  async #merge(window: PendingWindow): Promise<boolean> {
    const beganMs = performance.now();
    const isLast = beganMs > this.#endMs;
    const rows = rowsIn(window);
    const isBulk = rows >= BULK.rows || window.length >= BULK.manifests;
    if (isBulk && !isLast) {
      this.#ahead = this.#session.next();
      this.#ahead.catch(() => {});
    }
    const merged = await this.#session.merge(window);
    if (!merged || isLast || this.#session.tally.hasNewRejected) {
      // What is still being read goes into the folder that the next run empties.
      await Promise.allSettled([this.#ahead]);
      return false;
    }
    const { pollMs, everyMs } = this.#session.pace;
    this.#pollMs = rows < LARGE.rows ? pollMs : Math.max(pollMs, LARGE.lookMs);
    const mergeMs = performance.now() - beganMs;
    if (!isBulk) await this.#sleep(restMs(mergeMs, this.#waits ? mergeMs : null, everyMs));
    return true;
  }

  async #isOver(): Promise<boolean> {
    const nowMs = performance.now();
    if (nowMs - this.#lastWorkMs <= this.#session.pace.lingerMs) return nowMs > this.#endMs;
    // Nothing waits now: later, tidying up would delay a merge.
    await this.#session.tidy();
    return true;
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#cancelled });
  }
}
