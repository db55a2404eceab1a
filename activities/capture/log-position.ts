// Where the manifest log ends, and whether the slot still continues it. Read at every start: nothing from memory,
// heartbeats or history is trusted.

import { WalflowError } from '../../workflows/model/errors.ts';
import { type Lsn, parseLsn } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, Epoch, StoredManifest } from '../../workflows/model/manifest.ts';
import { findHead, type ManifestStore, readManifest } from '../lake/log.ts';
import type { PipelineResources } from '../resources.ts';
import type { Source } from '../wal/postgres/source.ts';
import { readTimelineEnd } from '../wal/postgres/timeline.ts';
import { assertContinues } from './slot-continuity.ts';

/** The position that the next manifest continues. */
export interface LogPosition {
  readonly head: StoredManifest | null;
  readonly epochNo: number;
  readonly epoch: Epoch;
  readonly timeline: number;
  /** Up to where the slot was acknowledged: the server sends from here. */
  readonly resumeLsn: Lsn;
  /** The source has no encoding, so texts are checked before they are stored. */
  readonly unencoded: boolean;
}

/** The last manifest; null for a lake without any. */
export async function readHead(lake: ManifestStore): Promise<StoredManifest | null> {
  const seq = await findHead(lake, 0);
  return seq === 0 ? null : await readManifest(lake, seq);
}

/**
 * All captured tables as of a manifest.
 * @throws WalflowError LOG_BROKEN
 */
export async function readCapture(lake: ManifestStore, head: StoredManifest | null): Promise<readonly CaptureEntry[]> {
  if (head === null) return [];
  const { capture, captureSeq } = head.manifest;
  if (capture !== null) return capture;
  const stored = await readManifest(lake, captureSeq);
  if (stored === null || stored.manifest.capture === null) {
    throw new WalflowError('LOG_BROKEN', `manifest ${captureSeq}, which lists the captured tables, is gone`);
  }
  return stored.manifest.capture;
}

/**
 * The tables as captured now, and as captured when the changes that the server sends again were written: a restart can come
 * between a manifest and its acknowledgement.
 * @throws WalflowError LOG_BROKEN
 */
export async function sentCaptures(lake: ManifestStore, position: LogPosition): Promise<readonly CaptureEntry[]> {
  const { head, epochNo, resumeLsn } = position;
  const captures = [...(await readCapture(lake, head))];
  for (let at = head; at !== null && at.manifest.captureSeq > 1; ) {
    at = await readManifest(lake, at.manifest.captureSeq - 1);
    if (at === null || at.manifest.epochNo !== epochNo || parseLsn(at.manifest.endLsn) <= resumeLsn) break;
    captures.push(...(await readCapture(lake, at)));
  }
  return captures;
}

/**
 * The position that an existing slot continues.
 * @throws WalflowError SLOT_MISSING, and what `assertContinues` throws.
 */
export async function continuedPosition(pipeline: PipelineResources, source: Source): Promise<LogPosition> {
  const head = await readHead(pipeline.lake);
  if (head === null) {
    throw new WalflowError('SLOT_MISSING', `pipeline ${pipeline.name} has no epoch in the lake yet`);
  }
  const { slot: slotName, url } = pipeline.source;
  const { epoch, epochNo, timeline } = head.manifest;
  const system = await source.identifySystem();
  const slot = await source.slotRow(slotName);
  const { database } = source.connection.place;
  const timelineEnd = await readTimelineEnd(url, system.timeline, timeline);
  assertContinues(head.manifest, { system, timelineEnd, database, slotName, slot });
  const { unencoded } = system;
  return { head, epochNo, epoch, timeline: system.timeline, resumeLsn: slot?.confirmedFlushLsn ?? 0n, unencoded };
}
