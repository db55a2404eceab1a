// The last lines of `walflow dev`: every slot that stays makes the source keep WAL, so it is printed with how much, and how
// to drop it. With --drop-slot-on-exit it is dropped. What is not proven to be the pipeline's own is left alone, and so is
// a slot that is still read.

import { setTimeout as sleep } from 'node:timers/promises';
import type { LakeClaim } from '../../../activities/capture/ownership.ts';
import type { ResolvedPipeline } from '../../config/project.ts';
import { toWalflowError } from '../failure.ts';
import { type ClaimPlace, lakeClaim } from '../lake-claim.ts';
import { foreignText, leftBehindText } from '../slot-text.ts';
import { answeredSoon, dropPipelineSlot, examineSlot, readSlot } from '../source-access.ts';

/** What each lake says; null for one that does not. */
export type Claims = ReadonlyMap<string, LakeClaim | null>;

interface ExitPlan {
  readonly claims: Claims;
  readonly dropSlots: boolean;
  /** The workers still run and read the slots. */
  readonly streaming: boolean;
  readonly waysToDrop: (pipeline: ResolvedPipeline) => readonly string[];
}

/** A walsender ends a moment after its consumer. */
const CLOSING_MS = 2_000;
const LOOK_MS = 100;

/** To be read while the lakes' server runs. */
export async function readClaims(pipelines: readonly ResolvedPipeline[], place: ClaimPlace): Promise<Claims> {
  const claims = await Promise.all(pipelines.map((pipeline) => lakeClaim(pipeline, place).catch(() => null)));
  return new Map(pipelines.map(({ name }, i) => [name, claims[i] ?? null]));
}

/** One text per pipeline. Never throws: if a source does not answer, the text says so. */
export async function leaveSources(pipelines: readonly ResolvedPipeline[], plan: ExitPlan): Promise<readonly string[]> {
  return await Promise.all(
    pipelines.map(async (pipeline) => {
      try {
        return await leave(pipeline, plan);
      } catch (failure) {
        const { slot } = pipeline.source;
        return `slot ${slot} may stay on the source (${toWalflowError(failure).message})`;
      }
    }),
  );
}

async function leave(pipeline: ResolvedPipeline, plan: ExitPlan): Promise<string> {
  const { slot } = pipeline.source;
  const claim = plan.claims.get(pipeline.name) ?? null;
  if (claim === null) return `slot ${slot} may stay on the source: its lake did not answer, so it is left alone`;
  const { health, foreign } = await answeredSoon(examineSlot(pipeline, claim));
  if (health.tag === 'missing') return leftBehindText(slot, health, []);
  if (foreign !== null) return foreignText(slot);
  if (!plan.dropSlots) return leftBehindText(slot, health, plan.waysToDrop(pipeline));
  if (!plan.streaming && !(await isReleased(pipeline))) {
    return `slot ${slot} is still read by another consumer: it is left alone`;
  }
  await answeredSoon(dropPipelineSlot(pipeline, claim));
  return `slot ${slot} is dropped: next time every table gets a new snapshot`;
}

async function isReleased(pipeline: ResolvedPipeline): Promise<boolean> {
  for (const untilMs = performance.now() + CLOSING_MS; performance.now() < untilMs; await sleep(LOOK_MS)) {
    const { active } = await answeredSoon(readSlot(pipeline));
    if (!active) return true;
  }
  return false;
}
