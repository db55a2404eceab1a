// The last lines of `walflow dev`: every slot that stays makes the source keep WAL, so it is printed with how much, and how
// to drop it. With --drop-slot-on-exit it is dropped.

import type { ResolvedPipeline } from '../../config/project.ts';
import { toWalflowError } from '../failure.ts';
import { dropText, leftBehindText } from '../slot-text.ts';
import { answeredSoon, dropPipelineSlot, readSlot } from '../source-access.ts';

interface ExitPlan {
  readonly dropSlots: boolean;
  readonly waysToDrop: (pipeline: ResolvedPipeline) => readonly string[];
}

/** One text per pipeline. Never throws: if a source does not answer, the text says so. */
export async function leaveSources(
  pipelines: readonly ResolvedPipeline[],
  { dropSlots, waysToDrop }: ExitPlan,
): Promise<readonly string[]> {
  return await Promise.all(
    pipelines.map(async (pipeline) => {
      const { slot } = pipeline.source;
      const ways = waysToDrop(pipeline);
      try {
        if (!dropSlots) return leftBehindText(slot, await answeredSoon(readSlot(pipeline)), ways);
        await answeredSoon(dropPipelineSlot(pipeline));
        return `slot ${slot} is dropped: next time every table gets a new snapshot`;
      } catch (failure) {
        const { message } = toWalflowError(failure);
        return `slot ${slot} may stay on the source (${message})\n${dropText(ways)}`;
      }
    }),
  );
}
