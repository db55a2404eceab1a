// Prepares the source before a byte is read: ownership, preflight, publications, slot, epoch, and the captured tables.
// Idempotency key: the epoch number, whose first manifest is a conditional PUT; a second run finds its own work done.

import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { lsnToHex } from '../workflows/model/lsn.ts';
import type { CaptureEntry, StoredManifest } from '../workflows/model/manifest.ts';
import type { CapturedTable } from '../workflows/model/relation.ts';
import type { PrepareInput, PrepareResult } from '../workflows/model/run.ts';
import { runRef, withHeartbeat } from './activity.ts';
import { isWanted, reconcileCapture } from './capture/capture.ts';
import { continuedPosition, type LogPosition, readCapture, readHead } from './capture/log-position.ts';
import { assertOwned, readClaim } from './capture/source-claim.ts';
import { ensureIdentity } from './lake/identity.ts';
import { epochIntentKey } from './lake/object-key.ts';
import { type ManifestAppender, openAppender } from './landing/manifest-appender.ts';
import { pauseUnpublished, untilLoggedInFull } from './landing/publication-repair.ts';
import { streamApplicationName } from './landing/slot-meter.ts';
import { type IngestResources, type PipelineResources, pipelineOf } from './resources.ts';
import { pendingSnapshots } from './snapshot/pending.ts';
import { Waiting, watchingBlockers } from './wal/postgres/blockers.ts';
import { recordOwner, takeTurn } from './wal/postgres/owner.ts';
import { combined, preflight } from './wal/postgres/preflight.ts';
import { ensurePublications } from './wal/postgres/publication.ts';
import { createSlot, dropSlot } from './wal/postgres/slot.ts';
import { openSource, type Source } from './wal/postgres/source.ts';

/** Makes the source ready to stream and records what is captured. Returns which snapshots are still to be taken. */
export async function prepareSource(resources: IngestResources, input: PrepareInput): Promise<PrepareResult> {
  const pipeline = pipelineOf(resources, input.pipeline);
  const waiting = new Waiting((blockers, what) => resources.log.warn({ pipeline: pipeline.name, blockers }, what));
  return await withHeartbeat(
    () => ({ waitingFor: waiting.blockers }),
    async () => {
      const source = await openSource(pipeline.source.url, `walflow ${pipeline.name} prepare`);
      try {
        const told = waiting.by('a statement waits for a lock');
        return await watchingBlockers(pipeline.source.url, source.connection, told, () =>
          prepare({ resources, pipeline, source, waiting }, input),
        );
      } finally {
        await source.close();
      }
    },
  );
}

/** What one attempt works with. */
interface Attempt {
  readonly resources: IngestResources;
  readonly pipeline: PipelineResources;
  readonly source: Source;
  readonly waiting: Waiting;
}

async function prepare(attempt: Attempt, input: PrepareInput): Promise<PrepareResult> {
  const { resources, pipeline, source, waiting } = attempt;
  const before = await readHead(pipeline.lake);
  const { slot, publication } = pipeline.source;
  await takeTurn(source, slot);
  await assertOwned(source, await readClaim(pipeline.lake, before), pipeline.source);
  const known = await readCapture(pipeline.lake, before);
  const checked = await preflight(source, {
    ...pipeline.source,
    applicationName: streamApplicationName(pipeline.name),
    ...(before === null ? {} : { captured: new Set(known.map((entry) => entry.table)) }),
  });
  const continued = before === null || input.newEpoch ? null : await continuedPosition(pipeline, source);
  // As of the position that is continued: a writer that was believed dead may have landed a manifest meanwhile.
  const recorded = continued === null ? known : await readCapture(pipeline.lake, continued.head);
  const tables = before === null ? checked.tables : wantedTables(pipeline, checked.tables, recorded);
  const appender = (position: LogPosition) => openAppender(resources, pipeline, position, runRef());
  const open = continued === null ? null : appender(continued);
  const captured =
    open === null ? [] : await withoutGaps(resources, pipeline, source, { writer: open, recorded, tables });
  if (checked.publication.length > 0) throw combined(checked.publication);
  // Once per epoch is enough: the race takes seconds on some stores. The lake's identity is such a write already.
  if (continued === null) await pipeline.lake.provesConditionalWrites();
  const lakeId = await ensureIdentity(pipeline.lake);
  // Publications before the slot: WAL from before a publication existed cannot be decoded with it.
  await ensurePublications(source, publication, tables);
  await recordOwner(source, publication, { lakeId, slot });
  const writer = open ?? appender(await beginEpoch(attempt, before, input.because ?? null));
  const blocked = { onBlocked: waiting.by('new snapshots wait for older transactions') };
  await untilLoggedInFull(
    source,
    { captured, catalog: tables },
    { ...blocked, signal: Context.current().cancellationSignal },
  );
  const nextSeq = (writer.head?.manifest.seq ?? 0) + 1;
  const plan = reconcileCapture({
    catalog: tables,
    captured,
    resync: new Set(input.resync),
    exact: new Set(input.exact),
    unreadable: checked.unreadable,
    endLsn: lsnToHex(writer.durableLsn),
    // Read after catalog, slot and publication: every change from here on is streamed, in the shape the catalog shows.
    r0Lsn: lsnToHex(await source.insertLsn()),
    seq: nextSeq,
    newId: () => randomUUID().slice(0, 8),
  });
  if (plan.changed || continued === null) await writer.recordCapture(plan.capture);
  const notices = [...checked.notices, ...leavers(recorded, plan.capture)];
  for (const notice of notices) resources.log.warn({ pipeline: pipeline.name }, notice);
  const pending = await pendingSnapshots(source, pipeline.lake, { capture: plan.capture, nextSeq });
  return { tables: plan.capture.length, notices, ...pending };
}

/** The recorded list, with a pause for each table whose changes a publication kept out of the stream. */
async function withoutGaps(
  resources: IngestResources,
  pipeline: PipelineResources,
  source: Source,
  { writer, recorded, tables }: Continued,
): Promise<readonly CaptureEntry[]> {
  const { publication } = pipeline.source;
  const { captured, paused } = await pauseUnpublished(source, writer, {
    publication,
    captured: recorded,
    catalog: tables,
  });
  if (paused.length > 0) {
    const what = 'a publication was changed, so changes may be missing: the tables get new snapshots';
    resources.log.warn({ pipeline: pipeline.name, publication, tables: paused }, what);
  }
  return captured;
}

interface Continued {
  readonly writer: ManifestAppender;
  readonly recorded: readonly CaptureEntry[];
  readonly tables: readonly CapturedTable[];
}

function leavers(recorded: readonly CaptureEntry[], capture: readonly CaptureEntry[]): string[] {
  const names = new Set(capture.map((entry) => entry.table));
  const gone = recorded.filter((entry) => !names.has(entry.table));
  return gone.map((entry) => `${entry.table} is no longer captured: the source no longer has this table`);
}

function wantedTables(
  { source }: PipelineResources,
  catalog: readonly CapturedTable[],
  recorded: readonly CaptureEntry[],
): readonly CapturedTable[] {
  const known = new Set(recorded.map((entry) => entry.table));
  return catalog.filter(({ table }) => known.has(table) || isWanted(table, source));
}

/**
 * Begins an epoch. The slot's consistent point can be read only at creation, so: first the intent goes into the lake, then
 * the slot is created, then the caller stores the epoch's first manifest. A slot of ours without that manifest was
 * interrupted in between, and is made again.
 */
async function beginEpoch(
  { resources, pipeline, source, waiting }: Attempt,
  head: StoredManifest | null,
  because: string | null,
): Promise<LogPosition> {
  const { slot } = pipeline.source;
  const epochNo = (head?.manifest.epochNo ?? 0) + 1;
  if (because !== null) {
    resources.log.warn(
      { pipeline: pipeline.name, epochNo, because },
      'a new epoch begins: every table gets a new snapshot',
    );
  }
  await dropSlot(source, slot, streamApplicationName(pipeline.name));
  await pipeline.lake.putText(
    epochIntentKey(epochNo),
    JSON.stringify({ slot, epochNo, ...(because === null ? {} : { because }), ...runRef() }),
  );
  const system = await source.identifySystem();
  const created = await createSlot(pipeline.source.url, slot, {
    onWaiting: waiting.by('slot creation waits for running transactions'),
  });
  return {
    head,
    epochNo,
    timeline: system.timeline,
    resumeLsn: created.consistentPoint,
    unencoded: system.unencoded,
    epoch: { systemIdentifier: system.systemIdentifier, slot, consistentPoint: lsnToHex(created.consistentPoint) },
  };
}
