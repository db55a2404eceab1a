// Before the first byte is read: preflight, publication, slot, epoch, and the list of captured tables. Idempotency key: the
// epoch number (its intent and first manifest are conditional PUTs); run twice it finds its own work and changes nothing.

import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { WalflowError } from '../workflows/model/errors.ts';
import { lsnToHex } from '../workflows/model/lsn.ts';
import type { CaptureEntry, StoredManifest } from '../workflows/model/manifest.ts';
import type { CapturedTable } from '../workflows/model/relation.ts';
import type { PendingSnapshot, PrepareInput, PrepareResult } from '../workflows/model/run.ts';
import { reconcileCapture } from './capture.ts';
import { epochIntentKey, snapshotCompleteKey } from './lake/object-key.ts';
import { continuedPosition, readCapture, readHead } from './log-position.ts';
import { type LogPosition, LogWriter } from './log-writer.ts';
import { type IngestResources, type PipelineResources, pipelineOf } from './resources.ts';
import { runRef } from './run-context.ts';
import { streamApplicationName } from './source-watch.ts';
import { openSource, type Source } from './wal/postgres.ts';
import { preflight } from './wal/postgres-preflight.ts';
import { ensurePublications } from './wal/postgres-publication.ts';
import { createSlot, dropSlot } from './wal/postgres-slot.ts';

/** How often a slow step (slot creation waits for running transactions) tells Temporal that it is alive. */
const HEARTBEAT_MS = 2_000;

/** Makes the source ready to stream and records what is captured. Answers which first copies are still to be made. */
export async function prepareSource(resources: IngestResources, input: PrepareInput): Promise<PrepareResult> {
  const pipeline = pipelineOf(resources, input.pipeline);
  const context = Context.current();
  const alive = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  const source = await openSource(pipeline.source.url, `walflow ${pipeline.name} prepare`);
  try {
    return await prepare(resources, pipeline, source, input);
  } finally {
    clearInterval(alive);
    await source.close();
  }
}

async function prepare(
  resources: IngestResources,
  pipeline: PipelineResources,
  source: Source,
  input: PrepareInput,
): Promise<PrepareResult> {
  const checked = await preflight(source, {
    ...pipeline.source,
    applicationName: streamApplicationName(pipeline.name),
  });
  const head = await readHead(pipeline.lake);
  const recorded = await readCapture(pipeline.lake, head);
  const tables = head === null ? checked.tables : wantedTables(pipeline, checked.tables, recorded);
  // The publication comes before the slot: WAL decoded from before it existed could never be read.
  await ensurePublications(source, pipeline.source.publication, tables);
  const position =
    head === null || input.newEpoch
      ? await beginEpoch(resources, pipeline, source, head)
      : await continuedPosition(pipeline, source);
  const fresh = position.head?.manifest.epochNo !== position.epochNo;
  const writer = new LogWriter({
    pipeline: pipeline.name,
    lake: pipeline.lake,
    position,
    writer: { ...runRef(), nonce: randomUUID().slice(0, 8), version: resources.version },
    verifyWrites: pipeline.verifyWrites,
  });
  const plan = reconcileCapture({
    catalog: tables,
    captured: fresh ? [] : recorded,
    resync: new Set(input.resync),
    // Read after slot and publication are there: every change from here on is in the log.
    r0Lsn: lsnToHex(await source.insertLsn()),
    seq: (head?.manifest.seq ?? 0) + 1,
    newId: () => randomUUID().slice(0, 8),
  });
  if (plan.changed || fresh) await writer.recordCapture(plan.capture);
  for (const notice of checked.notices) resources.log.warn({ pipeline: pipeline.name }, notice);
  return {
    tables: plan.capture.length,
    notices: checked.notices,
    pendingSnapshots: await pendingSnapshots(pipeline, plan.capture),
  };
}

/** With `newTables: 'ignore'` a pattern stands for the tables it matched at first; those named outright always count. */
function wantedTables(
  { source }: PipelineResources,
  catalog: readonly CapturedTable[],
  recorded: readonly CaptureEntry[],
): readonly CapturedTable[] {
  if (source.newTables === 'add') return catalog;
  const known = new Set([...source.tables, ...recorded.map((entry) => entry.table)]);
  return catalog.filter((table) => known.has(table.table));
}

async function pendingSnapshots(
  pipeline: PipelineResources,
  capture: readonly CaptureEntry[],
): Promise<PendingSnapshot[]> {
  const wanted = capture.filter((entry) => entry.paused === undefined);
  const done = await Promise.all(
    wanted.map((entry) => pipeline.lake.exists(snapshotCompleteKey(entry, entry.snapshot.id))),
  );
  return wanted.filter((_, i) => !done[i]).map((entry) => ({ table: entry.table, id: entry.snapshot.id }));
}

/**
 * A new life of the slot. The consistent point is readable only at creation, so: intent into the lake, slot, then the
 * epoch's first manifest (by the caller). A slot of ours without that manifest is a creation that died: made again.
 */
async function beginEpoch(
  resources: IngestResources,
  pipeline: PipelineResources,
  source: Source,
  head: StoredManifest | null,
): Promise<LogPosition> {
  // Once an epoch: racing writes take seconds on some stores, and a store does not unlearn them.
  await pipeline.lake.provesConditionalWrites();
  const { slot } = pipeline.source;
  const epochNo = (head?.manifest.epochNo ?? 0) + 1;
  const intentKey = epochIntentKey(epochNo);
  const existing = await source.slotRow(slot);
  if (existing !== null) {
    if (head === null && !(await pipeline.lake.exists(intentKey))) {
      throw new WalflowError('SLOT_FOREIGN', `slot ${slot} exists already and was not made by this pipeline`);
    }
    await dropSlot(source, slot, streamApplicationName(pipeline.name));
  }
  await pipeline.lake.putText(intentKey, JSON.stringify({ slot, epochNo, ...runRef() }));
  const system = await source.identifySystem();
  const created = await createSlot(pipeline.source.url, slot, {
    onWaiting: (blockers) =>
      resources.log.warn({ pipeline: pipeline.name, blockers }, 'slot creation waits for running transactions'),
  });
  return {
    head,
    epochNo,
    timeline: system.timeline,
    resumeLsn: created.consistentPoint,
    epoch: { systemIdentifier: system.systemIdentifier, slot, consistentPoint: lsnToHex(created.consistentPoint) },
  };
}
