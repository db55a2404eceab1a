// The last words of `walflow dev`: stopped is not safe, so every slot that stays is named with what it keeps and how to
// drop it. With --drop-slot-on-exit it is dropped.

import type { ResolvedPipeline } from '../../config/project.ts';
import { toWalflowError } from '../failure.ts';
import { dropText, leftBehindText } from '../slot-text.ts';
import { answeredSoon, dropPipelineSlot, readSlot } from '../source-access.ts';

interface ExitPlan {
  readonly dropSlots: boolean;
  readonly waysToDrop: (pipeline: ResolvedPipeline) => readonly string[];
}

/** One text per pipeline. Never throws: a source that is gone is said, the end goes on. */
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
        return `slot ${slot} is dropped: next time every table is copied again`;
      } catch (failure) {
        const { message } = toWalflowError(failure);
        return `slot ${slot} may stay on the source (${message})\n${dropText(ways)}`;
      }
    }),
  );
}
