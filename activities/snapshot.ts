// Takes the snapshot of a table, for a first load, an added table or a resync. Each chunk is read in its own transaction;
// changes at or after R0 beat its rows when the warehouse folds them. Idempotency key: the chunk number; a marker in the
// lake records that a chunk is stored and where the next one begins.

import { Context } from '@temporalio/activity';
import { WalflowError } from '../workflows/model/errors.ts';
import { type Lsn, lsnToHex, lsnToText, parseLsn } from '../workflows/model/lsn.ts';
import { type CaptureEntry, MANIFEST_FORMAT_VERSION } from '../workflows/model/manifest.ts';
import type { SnapshotResult } from '../workflows/model/run.ts';
import type { Tuple } from '../workflows/model/tuple.ts';
import { withHeartbeat } from './activity.ts';
import { encodeSnapshotComplete, encodeSnapshotFailure } from './lake/manifest-codec.ts';
import { snapshotCompleteKey, snapshotFailedKey } from './lake/object-key.ts';
import { nudgeChannel } from './landing/slot-meter.ts';
import { type IngestResources, type PipelineResources, pipelineOf } from './resources.ts';
import { readMarkers } from './snapshot/chunk-marker.ts';
import { ChunkWriter } from './snapshot/chunk-writer.ts';
import type { Leave, SnapshotPlaces } from './snapshot/places.ts';
import { StillWanted } from './snapshot/still-wanted.ts';
import { blockersText } from './wal/blocker-text.ts';
import { takeHorizon, Waiting } from './wal/postgres/blockers.ts';
import { chunkEnds } from './wal/postgres/chunk-ends.ts';
import { exactSnapshot, readChunk, runningBelow } from './wal/postgres/snapshot-reader.ts';
import { openSource, type Source } from './wal/postgres/source.ts';

/** A chunk of large rows ends here, before `snapshot.chunkRows`: two chunks are in memory, one of which is being stored. */
const CHUNK_BYTES = 32 * 1024 * 1024;
/** How much of a chunk to fill, judging by the one before: a chunk that ends by its bytes costs a connection. */
const AIMED_PART = 0.75;
/** A row is the cause: another attempt would meet the same one. */
const BLAMES_ROW: ReadonlySet<string> = new Set(['VALUE_NOT_EXACT', 'VALUE_TOO_LARGE']);

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
  source: Source;
}

/** Takes one snapshot; resumes after the chunks that are stored. Ends early once another snapshot has replaced it. */
export async function snapshotTable(
  resources: IngestResources,
  places: SnapshotPlaces,
  input: { pipeline: string; table: string; id: string },
): Promise<SnapshotResult> {
  const pipeline = pipelineOf(resources, input.pipeline);
  const order = new StillWanted(pipeline.lake, input);
  const entry = await order.look();
  if (entry === null) return { tag: 'superseded', rows: 0, chunks: 0 };
  const source = await connectTo(pipeline, entry);
  const context = Context.current();
  const signal = AbortSignal.any([context.cancellationSignal, order.superseded]);
  const waiting = new Waiting((blockers, what) =>
    resources.log.warn({ pipeline: pipeline.name, table: input.table, blockers }, what),
  );
  const { unencoded } = await source.identifySystem();
  const chunks = new ChunkWriter(pipeline.lake, entry, unencoded);
  const job: Job = { resources, pipeline, entry, signal, waiting, places, chunks, source };
  const figures = () => ({ rows: chunks.rows, chunks: chunks.files.length });
  const unwatch = order.watch();
  try {
    const tag = await withHeartbeat(
      () => ({ ...figures(), waitingFor: waiting.blockers }),
      () => run(job),
    );
    return { tag, ...figures() };
  } catch (failure) {
    // A table that changed gets another snapshot, and then this one is not needed.
    if (failure instanceof WalflowError && failure.code === 'TABLE_SHAPE_CHANGED') await order.look();
    if (!order.superseded.aborted || context.cancellationSignal.aborted) throw failure;
    return { tag: 'superseded', ...figures() };
  } finally {
    unwatch();
    await job.source.close();
  }
}

const connectTo = ({ source, name }: PipelineResources, { table }: CaptureEntry) =>
  openSource(source.url, `walflow ${name} snapshot ${table}`);

async function run(job: Job): Promise<'copied' | 'failed'> {
  const { pipeline, entry } = job;
  const { lake } = pipeline;
  const { id } = entry.snapshot;
  if (await lake.exists(snapshotCompleteKey(entry, id))) return 'copied';
  if (await lake.exists(snapshotFailedKey(entry, id))) return 'failed';
  try {
    const r0Lsn = entry.mode === 'keyed' ? await readByKey(job) : await readExactly(job);
    await job.chunks.settle();
    await complete(job, r0Lsn);
    return 'copied';
  } catch (failure) {
    if (!(failure instanceof WalflowError && BLAMES_ROW.has(failure.code))) throw failure;
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
async function untilVisible({ entry, source, places, signal }: Job): Promise<void> {
  const { id } = entry.snapshot;
  const horizon = places.horizonOf(id) ?? (await takeHorizon(source.connection));
  const blockers = await runningBelow(source, horizon, PATIENCE_MS, signal);
  places.remember(id, blockers.length > 0 ? horizon : null);
  if (blockers.length === 0) return;
  const what = `the snapshot of ${entry.table} waits for transactions on the source to end`;
  throw new WalflowError('SNAPSHOT_WAITS', `${what}: ${blockersText(blockers)}`);
}

async function readChunks(job: Job, r0Lsn: Lsn): Promise<void> {
  const { entry, pipeline, chunks, signal } = job;
  const done = await readMarkers(pipeline.lake, entry);
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
    const chunk = await readChunk(job.source, entry, after, bounds, (row) => chunks.take(row));
    if (!chunk.asCaptured) {
      throw new WalflowError('TABLE_SHAPE_CHANGED', `${entry.table} was altered while its snapshot was taken`);
    }
    if (chunk.connectionEnded) job.source = await connectTo(pipeline, entry);
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
      await job.source.flushed();
      await chunks.cut({ lastKey: after, last });
    }
    if (!last) ends ??= await chunkEnds(job.source, entry, after, maxRows);
  }
}

/** Reads a table without a key in one transaction, from the start after a crash. The slot's consistent point is its R0. */
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
    ...{ formatVersion: MANIFEST_FORMAT_VERSION, table, id: snapshot.id },
    ...{ code: failure.code, reason },
  });
  await pipeline.lake.putIfAbsent(snapshotFailedKey(entry, snapshot.id), bytes, hash);
}

async function complete({ pipeline, entry, source, chunks }: Job, r0Lsn: Lsn): Promise<void> {
  const endLsn = await source.insertLsn();
  const { bytes, hash } = encodeSnapshotComplete({
    formatVersion: MANIFEST_FORMAT_VERSION,
    table: entry.table,
    id: entry.snapshot.id,
    r0Lsn: lsnToHex(r0Lsn),
    endLsn: lsnToHex(endLsn),
    rows: chunks.rows,
    files: chunks.files,
  });
  await pipeline.lake.putIfAbsent(snapshotCompleteKey(entry, entry.snapshot.id), bytes, hash);
  // The table becomes live in the first merge that reaches endLsn; on an idle source only a nudge makes that soon.
  await source.notify(nudgeChannel(pipeline.name), lsnToText(endLsn));
}
