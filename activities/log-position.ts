// Where the log ends and whether the slot still continues it. Run at every start: nothing is trusted from memory,
// heartbeats or history. A gap or a fork stops the pipeline here, before a single change is read.

import { WalflowError } from '../workflows/model/errors.ts';
import { lsnToText, parseLsn } from '../workflows/model/lsn.ts';
import type { CaptureEntry, StoredManifest } from '../workflows/model/manifest.ts';
import { findHead, type ManifestStore, readManifest } from './lake/log.ts';
import type { LogPosition } from './log-writer.ts';
import type { PipelineResources } from './resources.ts';
import type { Source } from './wal/postgres.ts';

/** The last manifest of the log; null for a lake that has none. */
export async function readHead(lake: ManifestStore): Promise<StoredManifest | null> {
  const seq = await findHead(lake, 0);
  return seq === 0 ? null : await readManifest(lake, seq);
}

/** All captured tables as of a manifest. */
export async function readCapture(lake: ManifestStore, head: StoredManifest | null): Promise<readonly CaptureEntry[]> {
  if (head === null) return [];
  const { capture, captureSeq } = head.manifest;
  if (capture !== null) return capture;
  const stored = await readManifest(lake, captureSeq);
  return stored?.manifest.capture ?? [];
}

/**
 * The position an existing slot continues.
 * @throws WalflowError SLOT_MISSING, SLOT_LOST, SLOT_GAP, SOURCE_RESTORED, SOURCE_FORKED.
 */
export async function continuedPosition(pipeline: PipelineResources, source: Source): Promise<LogPosition> {
  const head = await readHead(pipeline.lake);
  if (head === null) {
    throw new WalflowError('SLOT_MISSING', `pipeline ${pipeline.name} has no epoch in the lake yet`);
  }
  const { epoch, epochNo, endLsn } = head.manifest;
  const system = await source.identifySystem();
  if (system.systemIdentifier !== epoch.systemIdentifier) {
    throw new WalflowError(
      'SOURCE_FORKED',
      `the lake follows server ${epoch.systemIdentifier}, this one is ${system.systemIdentifier}`,
    );
  }
  const slot = await source.slotRow(pipeline.source.slot);
  if (slot === null) {
    throw new WalflowError(
      'SLOT_MISSING',
      `slot ${pipeline.source.slot} does not exist, the lake ends at ${textOf(endLsn)}`,
    );
  }
  if (slot.walStatus === 'lost' || slot.restartLsn === null) {
    throw new WalflowError('SLOT_LOST', `slot ${pipeline.source.slot} lost WAL it still needed`);
  }
  const end = parseLsn(endLsn);
  if (slot.confirmedFlushLsn !== null && slot.confirmedFlushLsn > end) {
    throw new WalflowError(
      'SLOT_GAP',
      `slot ${pipeline.source.slot} was acknowledged up to ${lsnToText(slot.confirmedFlushLsn)}, the lake ends at ${textOf(endLsn)}`,
    );
  }
  if (system.flushLsn < end) {
    throw new WalflowError(
      'SOURCE_RESTORED',
      `the server ends at ${lsnToText(system.flushLsn)}, before the lake's end ${textOf(endLsn)}: it was restored from a backup`,
    );
  }
  return { head, epochNo, epoch, timeline: system.timeline };
}

const textOf = (hex: string) => lsnToText(parseLsn(hex));
