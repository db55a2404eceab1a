// Stations 8 and 9 on a row's way: merges everything pending in the lake into the warehouse, window by window, each in one
// transaction over all tables. Idempotency key: the watermark (epoch, seq, manifest hash); nothing at or below it is merged.

import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { MergeInput, MergeResult } from '../workflows/model/run.ts';
import { runRef, withHeartbeat } from './activity.ts';
import { rowsIn } from './merging/pending-window.ts';
import { MergeSession } from './merging/session.ts';
import { pipelineOf, type WarehouseResources } from './resources.ts';

/** The activity returns within a minute, so that the history soon shows what was merged. */
const MAX_RUN_MS = 50_000;
/** After a window this large the next one takes long to fill: looking less often costs both ends less. */
const BULK_ROWS = 50_000;
const BULK_POLL_MS = 60;

/** Merges everything pending, lingers for more, and returns what it merged. */
export async function mergePending(resources: WarehouseResources, input: MergeInput): Promise<MergeResult> {
  const session = new MergeSession(resources, pipelineOf(resources, input.pipeline), runRef());
  return await withHeartbeat(
    () => session.tally.progress(),
    async () => {
      await session.start(input.rejected);
      const more = await drain(session, Context.current().cancellationSignal);
      return session.result(more);
    },
  );
}

/** Merges until nothing has come for a while or the time is over. Returns whether more may be pending. */
async function drain(session: MergeSession, cancelled: AbortSignal): Promise<boolean> {
  const { lingerMs, pollMs } = session.pace;
  const endMs = performance.now() + MAX_RUN_MS;
  let lastWorkMs = performance.now();
  let waitMs = pollMs;
  let upcoming = session.next();
  for (;;) {
    const window = await upcoming;
    cancelled.throwIfAborted();
    if (window !== null) {
      const over = performance.now() > endMs;
      // The next window is read while this one is merged.
      upcoming = over ? Promise.resolve(null) : session.next();
      upcoming.catch(() => {});
      const merged = await session.merge(window);
      // A table that needs a new snapshot ends the run: only the workflow can ask for one, and must not wait under load.
      if (!merged || over || session.tally.hasNewRejected) {
        // What is still being read goes into the folder that the next run empties.
        await Promise.allSettled([upcoming]);
        return true;
      }
      waitMs = rowsIn(window) < BULK_ROWS ? pollMs : Math.max(pollMs, BULK_POLL_MS);
    } else {
      const loaded = await session.loadOnly();
      if (session.tally.hasNewRejected) return true;
      const nowMs = performance.now();
      if (!loaded && nowMs - lastWorkMs > lingerMs) {
        // Nothing waits now: later, tidying up would delay a merge.
        await session.tidy();
        return false;
      }
      if (!loaded && nowMs > endMs) return false;
      if (!loaded) await sleep(waitMs, undefined, { signal: cancelled });
      upcoming = session.next();
      if (!loaded) continue;
    }
    lastWorkMs = performance.now();
  }
}
