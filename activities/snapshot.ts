// Takes the snapshot of a table, for a first load, an added table or a resync. Each chunk is read in its own transaction;
// changes at or after R0 beat its rows when the warehouse folds them. Idempotency key: the chunk number; a marker in the
// lake records that a chunk is stored and where the next one begins.

import { Context } from '@temporalio/activity';
import { WalflowError } from '../workflows/model/errors.ts';
import { type Lsn, lsnToHex, lsnToText, parseLsn } from '../workflows/model/lsn.ts';
import { type CaptureEntry, FIRST_FORMAT_VERSION } from '../workflows/model/manifest.ts';
import type { PendingSnapshot, SnapshotResult } from '../workflows/model/run.ts';
import type { Tuple } from '../workflows/model/tuple.ts';
import { withHeartbeat } from './activity.ts';
import { isReadInChunks } from './capture/capture.ts';
import { encodeSnapshotComplete, encodeSnapshotFailure } from './lake/manifest-codec.ts';
import { snapshotCompleteKey, snapshotFailedKey } from './lake/object-key.ts';
import { nudgeChannel } from './landing/slot-meter.ts';
import { type IngestResources, type PipelineResources, pipelineOf } from './resources.ts';
import { CaptureList } from './snapshot/capture-list.ts';
import { readMarkers } from './snapshot/chunk-marker.ts';
import { ChunkWriter } from './snapshot/chunk-writer.ts';
import { HeldSource } from './snapshot/held-source.ts';
import type { Leave, SnapshotPlaces } from './snapshot/places.ts';
import { StillWanted } from './snapshot/still-wanted.ts';
import { blockersText } from './wal/blocker-text.ts';
import { takeHorizon, Waiting } from './wal/postgres/blockers.ts';
import { chunkEnds } from './wal/postgres/chunk-ends.ts';
import { exactSnapshot, readChunk, runningBelow } from './wal/postgres/snapshot-reader.ts';
import { openSource } from './wal/postgres/source.ts';

/** A chunk of large rows ends here, before `snapshot.chunkRows`: two chunks are in memory, one of which is being stored. */
const CHUNK_BYTES = 32 * 1024 * 1024;
/** How much of a chunk to fill, judging by the one before: a chunk that ends by its bytes costs a connection. */
const AIMED_PART = 0.75;
/** A row is the cause: another attempt would meet the same one. */
const BLAMES_ROW: ReadonlySet<string> = new Set(['VALUE_NOT_EXACT', 'VALUE_TOO_LARGE']);

/** One that was replaced since then ends at its next look. */
const LIST_AGE_MS = 2_000;

const WAITS = 'the snapshot waits for older transactions';
/** Most transactions are shorter: no need to give the place up. */
const PATIENCE_MS = 1_000;

interface Job {
  readonly resources: IngestResources;
  readonly pipeline: PipelineResources;
  readonly entry: CaptureEntry;
  /** Aborted = the attempt is cancelled, or another snapshot has replaced this one. */
  readonly signal: AbortSignal;
  readonly waiting: Waiting;
  readonly places: SnapshotPlaces;
  readonly chunks: ChunkWriter;
  readonly held: HeldSource;
  readonly areNew: boolean;
}

export interface SnapshotOrder extends PendingSnapshot {
  readonly pipeline: string;
}

/** What the snapshots of one run share. */
export interface SnapshotRun {
  readonly resources: IngestResources;
  readonly places: SnapshotPlaces;
  readonly held: HeldSource;
  readonly list: CaptureList;
  /** No attempt can have stored anything of them yet. */
  readonly areNew: boolean;
}

/** Takes the snapshot of one table. */
export async function snapshotTable(
  resources: IngestResources,
  places: SnapshotPlaces,
  order: SnapshotOrder,
): Promise<SnapshotResult> {
  const { name, source, lake } = pipelineOf(resources, order.pipeline);
  const held = new HeldSource(() => openSource(source.url, `walflow ${name} snapshot ${order.table}`));
  const run: SnapshotRun = { resources, places, held, list: new CaptureList(lake), areNew: false };
  try {
    const result = await takeSnapshot(run, order);
    if (result.tag === 'copied') await nudge(run, order.pipeline);
    return result;
  } finally {
    await held.drop();
  }
}

/** Takes one snapshot; resumes after the chunks that are stored. Ends early once another snapshot has replaced it. */
export async function takeSnapshot(
  { resources, places, held, list, areNew }: SnapshotRun,
  order: SnapshotOrder,
): Promise<SnapshotResult> {
  const pipeline = pipelineOf(resources, order.pipeline);
  const wanted = new StillWanted(list, order);
  const entry = await wanted.look(LIST_AGE_MS);
  if (entry === null) return { tag: 'superseded', rows: 0, chunks: 0 };
  const ended = areNew ? null : await endOf(pipeline, entry);
  if (ended !== null) return { tag: ended, rows: 0, chunks: 0 };
  const context = Context.current();
  const signal = AbortSignal.any([context.cancellationSignal, wanted.superseded]);
  const waiting = new Waiting((blockers, what) =>
    resources.log.warn({ pipeline: pipeline.name, table: order.table, blockers }, what),
  );
  const chunks = new ChunkWriter(pipeline.lake, entry, await held.unencoded());
  const job: Job = { resources, pipeline, entry, signal, waiting, places, chunks, held, areNew };
  const figures = () => ({ rows: chunks.rows, chunks: chunks.files.length });
  const unwatch = wanted.watch();
  try {
    const tag = await withHeartbeat(
      () => ({ ...figures(), waitingFor: waiting.blockers }),
      () => run(job),
    );
    return { tag, ...figures() };
  } catch (failure) {
    // A table that changed gets another snapshot, and then this one is not needed.
    if (failure instanceof WalflowError && failure.code === 'TABLE_SHAPE_CHANGED') await wanted.look();
    if (!wanted.superseded.aborted || context.cancellationSignal.aborted) throw failure;
    return { tag: 'superseded', ...figures() };
  } finally {
    unwatch();
  }
}

/** How an earlier attempt ended this snapshot; null while none has. */
async function endOf({ lake }: PipelineResources, entry: CaptureEntry): Promise<'copied' | 'failed' | null> {
  const { id } = entry.snapshot;
  if (await lake.exists(snapshotCompleteKey(entry, id))) return 'copied';
  return (await lake.exists(snapshotFailedKey(entry, id))) ? 'failed' : null;
}

async function run(job: Job): Promise<'copied' | 'failed'> {
  try {
    const r0Lsn = isReadInChunks(job.entry) ? await readByKey(job) : await readExactly(job);
    await job.chunks.settle();
    await complete(job, r0Lsn);
    return 'copied';
  } catch (failure) {
    if (!(failure instanceof WalflowError && BLAMES_ROW.has(failure.code))) throw failure;
    // Its rows are still on their way.
    await job.held.drop();
    await giveUp(job, failure);
    return 'failed';
  }
}

/** Reads chunks by key range, each in its own transaction, so nothing is held open at the source. */
async function readByKey(job: Job): Promise<Lsn> {
  const r0Lsn = parseLsn(job.entry.snapshot.r0Lsn);
  // A transaction with a commit record before R0 can still be invisible now: wait until it has ended.
  await untilVisible(job);
  const leave = await job.places.enterReading();
  try {
    await readChunks(job, r0Lsn);
  } finally {
    leave();
  }
  return r0Lsn;
}

/** @throws WalflowError SNAPSHOT_WAITS: the attempt ends, so that it holds no place, and the next one looks again. */
async function untilVisible({ pipeline, entry, held, places, signal }: Job): Promise<void> {
  // All tables that one manifest began have the same R0.
  const r0 = `${pipeline.name} ${entry.snapshot.fromSeq} ${entry.snapshot.r0Lsn}`;
  const known = places.horizonOf(r0);
  if (known === null) return;
  const source = await held.get();
  const horizon = known ?? (await takeHorizon(source.connection));
  const blockers = await runningBelow(source, horizon, PATIENCE_MS, signal);
  places.remember(r0, blockers.length > 0 ? horizon : null);
  if (blockers.length === 0) return;
  const what = `the snapshot of ${entry.table} waits for transactions on the source to end`;
  throw new WalflowError('SNAPSHOT_WAITS', `${what}: ${blockersText(blockers)}`);
}

async function readChunks(job: Job, r0Lsn: Lsn): Promise<void> {
  const { entry, pipeline, chunks, held, signal, areNew } = job;
  const done = areNew ? [] : await readMarkers(pipeline.lake, entry);
  for (const marker of done) chunks.keep(marker);
  chunks.begin(r0Lsn);
  let after = done.at(-1)?.lastKey ?? null;
  let last = done.at(-1)?.last ?? false;
  let { maxRows } = boundsOf(job);
  // Null = to be planned, once a chunk has shown how large rows are.
  let ends: (readonly string[])[] | null = null;
  while (!last) {
    signal.throwIfAborted();
    const upTo: readonly string[] | null = ends?.shift() ?? null;
    const bounds = { ...boundsOf(job), ...(upTo === null ? { maxRows } : { upTo }) };
    const chunk = await readChunk(await held.get(), entry, after, bounds, (row) => chunks.take(row));
    if (!chunk.asCaptured) {
      throw new WalflowError('TABLE_SHAPE_CHANGED', `${entry.table} was altered while its snapshot was taken`);
    }
    if (chunk.connectionEnded) await held.drop();
    if (chunk.overflowed) {
      chunks.discard();
      ends = null;
      continue;
    }
    after = chunk.lastKey ?? after;
    last = chunk.last;
    if (chunk.rows > 0) maxRows = aimedRows(job, chunk);
    // Up to a planned key there may be no rows left: then the next chunk's marker covers them.
    if (chunk.rows > 0 || last) {
      // Rows that a crash of the source could still take back must not be stored: the log would never correct them.
      await (await held.get()).flushed();
      // The last one needs no marker: the end of the snapshot lists it.
      await chunks.cut(last ? null : { lastKey: after, last });
    }
    if (!last) ends ??= await chunkEnds(await held.get(), entry, after, maxRows);
  }
}

/**
 * Reads a table without a key, or whose rows moved past the chunks, in one transaction; from the start after a crash. The slot's
 * consistent point is its R0.
 */
async function readExactly(job: Job): Promise<Lsn> {
  const { pipeline, entry, chunks, places, signal } = job;
  const leaveCreating = await places.enterCreating(signal);
  let leaveReading: Leave | null = null;
  const rows = {
    begin: (consistentPoint: Lsn) => {
      leaveCreating();
      leaveReading = places.takeReading();
      chunks.begin(consistentPoint);
    },
    take: (row: Tuple) => chunks.take(row),
    cut: async () => {
      signal.throwIfAborted();
      await chunks.cut(null);
    },
  };
  return await exactSnapshot(pipeline.source.url, entry, boundsOf(job), rows, job.waiting.by(WAITS)).finally(() => {
    leaveCreating();
    leaveReading?.();
  });
}

const boundsOf = ({ pipeline }: Job) => ({
  maxRows: pipeline.snapshot.chunkRows,
  maxBytes: CHUNK_BYTES,
  maxRowBytes: pipeline.source.maxRowBytes,
});

function aimedRows(job: Job, { rows, bytes }: { readonly rows: number; readonly bytes: number }): number {
  const fitting = Math.floor((CHUNK_BYTES * AIMED_PART * rows) / Math.max(1, bytes));
  return Math.max(1, Math.min(boundsOf(job).maxRows, fitting));
}

/** Records the failure in the lake, where the merge finds it and pauses the table. */
async function giveUp({ pipeline, entry, chunks, resources }: Job, failure: WalflowError): Promise<void> {
  const reason = `${failure.message}, in row ${chunks.rows + 1} of its snapshot`;
  const { table, snapshot } = entry;
  resources.log.warn({ pipeline: pipeline.name, table, code: failure.code }, reason);
  const { bytes, hash } = encodeSnapshotFailure({
    ...{ formatVersion: FIRST_FORMAT_VERSION, table, id: snapshot.id },
    ...{ code: failure.code, reason },
  });
  await pipeline.lake.putIfAbsent(snapshotFailedKey(entry, snapshot.id), bytes, hash);
}

async function complete({ pipeline, entry, held, chunks }: Job, r0Lsn: Lsn): Promise<void> {
  const source = await held.get();
  const endLsn = await source.insertLsn();
  const { bytes, hash } = encodeSnapshotComplete({
    formatVersion: FIRST_FORMAT_VERSION,
    table: entry.table,
    id: entry.snapshot.id,
    r0Lsn: lsnToHex(r0Lsn),
    endLsn: lsnToHex(endLsn),
    rows: chunks.rows,
    files: chunks.files,
  });
  await pipeline.lake.putIfAbsent(snapshotCompleteKey(entry, entry.snapshot.id), bytes, hash);
}

/**
 * Makes ingest cover what was copied over this connection: a table becomes live in the first merge that reaches its end,
 * which on an idle source would be a minute away.
 */
export async function nudge({ resources, held }: SnapshotRun, pipeline: string): Promise<void> {
  const source = held.current;
  if (source === null) return;
  await source.notify(nudgeChannel(pipeline), lsnToText(await source.insertLsn()));
  // Where nothing is left to cover, no manifest rings.
  resources.doorbell.landed(pipeline);
}
