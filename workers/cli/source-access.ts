// What the command line itself does at a pipeline's source: look for obstacles, read the slot, drop it.

import { streamApplicationName } from '../../activities/landing/slot-meter.ts';
import { preflight } from '../../activities/wal/postgres/preflight.ts';
import { dropSlot } from '../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../activities/wal/postgres/source.ts';
import { classifySlot, type SlotHealth } from '../../activities/wal/slot-health.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { ResolvedPipeline } from '../config/project.ts';

const ANSWER_MS = 2_000;

/** Opens a connection to a pipeline's source and closes it after the work. */
export async function onSource<T>(pipeline: ResolvedPipeline, work: (source: Source) => Promise<T>): Promise<T> {
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

/** Ends the pipeline's own stream first; another consumer's is left alone (SLOT_BUSY). */
export function dropPipelineSlot(pipeline: ResolvedPipeline): Promise<void> {
  return onSource(pipeline, (source) => dropSlot(source, pipeline.source.slot, streamApplicationName(pipeline.name)));
}

/** Rejects when the source does not answer in time: the program must be able to end. */
export async function answeredSoon<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new WalflowError('SOURCE_UNREACHABLE', 'the source does not answer')), ANSWER_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
