// What the command line itself does at a pipeline's source: look for obstacles, read the slot, drop it.

import type { LakeClaim } from '../../activities/capture/ownership.ts';
import { assertOwned, foreignOn } from '../../activities/capture/source-claim.ts';
import { streamApplicationName } from '../../activities/landing/slot-meter.ts';
import { preflight } from '../../activities/wal/postgres/preflight.ts';
import { dropPublications } from '../../activities/wal/postgres/publication.ts';
import { dropSlot } from '../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../activities/wal/postgres/source.ts';
import { classifySlot, type SlotHealth } from '../../activities/wal/slot-health.ts';
import { safely } from '../../workflows/model/callback.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { ResolvedPipeline } from '../config/project.ts';

const ANSWER_MS = 3_000;

/** Opens a connection to a pipeline's source and closes it after the work. */
async function onSource<T>(pipeline: ResolvedPipeline, work: (source: Source) => Promise<T>): Promise<T> {
  const source = await openSource(pipeline.source.url, `walflow ${pipeline.name} command line`);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

/**
 * Looks for everything that could stop the pipeline.
 * @returns notices, e.g. tables that are append-only
 * @throws WalflowError naming all obstacles
 */
export function examineSource(pipeline: ResolvedPipeline): Promise<readonly string[]> {
  const applicationName = streamApplicationName(pipeline.name);
  return onSource(pipeline, async (source) => {
    const { notices } = await preflight(source, { ...pipeline.source, applicationName });
    return notices;
  });
}

export function readSlot(pipeline: ResolvedPipeline): Promise<SlotHealth> {
  return onSource(pipeline, async (source) => classifySlot(await source.slotRow(pipeline.source.slot)));
}

/** How a slot is doing, and why it is not the pipeline's own; null when it is. */
export function examineSlot(
  pipeline: ResolvedPipeline,
  claim: LakeClaim,
): Promise<{ readonly health: SlotHealth; readonly foreign: WalflowError | null }> {
  return onSource(pipeline, async (source) => ({
    health: classifySlot(await source.slotRow(pipeline.source.slot)),
    foreign: await foreignOn(source, claim, pipeline.source),
  }));
}

/**
 * Proves that what is on the source is the pipeline's own.
 * @throws WalflowError SLOT_FOREIGN, PUBLICATION_UNUSABLE
 */
export function proveOwned(pipeline: ResolvedPipeline, claim: LakeClaim): Promise<void> {
  return onSource(pipeline, (source) => assertOwned(source, claim, pipeline.source));
}

/** Only if it is the pipeline's own. Ends its stream first; another consumer's is left alone (SLOT_BUSY). */
export function dropPipelineSlot(pipeline: ResolvedPipeline, claim: LakeClaim): Promise<void> {
  return onSource(pipeline, (source) => dropOwnedSlot(source, pipeline, claim));
}

/** Drops the publications too, which belong together with the slot. */
export function dropEverything(pipeline: ResolvedPipeline, claim: LakeClaim): Promise<void> {
  return onSource(pipeline, async (source) => {
    await dropOwnedSlot(source, pipeline, claim);
    await dropPublications(source, pipeline.source.publication);
  });
}

async function dropOwnedSlot(source: Source, { name, source: own }: ResolvedPipeline, claim: LakeClaim): Promise<void> {
  await assertOwned(source, claim, own);
  await dropSlot(source, own.slot, streamApplicationName(name));
}

const silentSource = () => new WalflowError('SOURCE_UNREACHABLE', 'the source does not answer');

/** Rejects when source or lake do not answer in time: the program must be able to end. */
export async function answeredSoon<T>(work: Promise<T>, late: () => WalflowError = silentSource): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(
      safely(() => reject(late()), reject),
      ANSWER_MS,
    );
  });
  try {
    return await Promise.race([work, patience]);
  } finally {
    clearTimeout(timer);
  }
}
