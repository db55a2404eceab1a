// Takes the snapshot of a table, for a first load, an added table or a resync. Each chunk is read in its own transaction;
// changes at or after R0 beat its rows when the warehouse folds them. Idempotency key: the chunk number; a marker in the
// lake records that a chunk is stored and where the next one begins.

import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { WalflowError } from '../workflows/model/errors.ts';
import { type Lsn, lsnToHex, lsnToText, parseLsn } from '../workflows/model/lsn.ts';
import {
  type CaptureEntry,
  type ChunkMarker,
  MANIFEST_FORMAT_VERSION,
  type SnapshotFile,
} from '../workflows/model/manifest.ts';
import type { SnapshotResult } from '../workflows/model/run.ts';
import { withHeartbeat } from './activity.ts';
import { ChangeFileEncoder } from './lake/change-file.ts';
import { encodeSnapshotComplete } from './lake/manifest-codec.ts';
import { snapshotChunkKey, snapshotCompleteKey } from './lake/object-key.ts';
import { nudgeChannel } from './landing/slot-meter.ts';
import { type IngestResources, type PipelineResources, pipelineOf } from './resources.ts';
import { readMarkers, storeMarker } from './snapshot/chunk-marker.ts';
import { StillWanted } from './snapshot/still-wanted.ts';
import { Waiting } from './wal/postgres/blockers.ts';
import { exactSnapshot, readChunk, waitForTransactions } from './wal/postgres/snapshot-reader.ts';
import { openSource, type Source } from './wal/postgres/source.ts';

/** A chunk of large rows ends here, before `snapshot.chunkRows`: its texts and its file are in memory together. */
const CHUNK_BYTES = 32 * 1024 * 1024;

const WAITS = 'the snapshot waits for older transactions';

interface Job {
  readonly resources: IngestResources;
  readonly pipeline: PipelineResources;
  readonly source: Source;
  readonly entry: CaptureEntry;
  /** Aborted = the attempt is cancelled, or another snapshot has replaced this one. */
  readonly signal: AbortSignal;
  readonly waiting: Waiting;
  readonly files: SnapshotFile[];
  rows: number;
}

/** Takes one snapshot; resumes after the chunks that are stored. Ends early once another snapshot has replaced it. */
export async function snapshotTable(
  resources: IngestResources,
  input: { pipeline: string; table: string; id: string },
): Promise<SnapshotResult> {
  const pipeline = pipelineOf(resources, input.pipeline);
  const order = new StillWanted(pipeline.lake, input);
  const entry = await order.look();
  if (entry === null) return { tag: 'superseded', rows: 0, chunks: 0 };
  const source = await openSource(pipeline.source.url, `walflow ${pipeline.name} snapshot ${input.table}`);
  const context = Context.current();
  const signal = AbortSignal.any([context.cancellationSignal, order.superseded]);
  const waiting = new Waiting((blockers, what) =>
    resources.log.warn({ pipeline: pipeline.name, table: input.table, blockers }, what),
  );
  const job: Job = { resources, pipeline, source, entry, signal, waiting, files: [], rows: 0 };
  const unwatch = order.watch();
  try {
    return await withHeartbeat(
      () => ({ rows: job.rows, chunks: job.files.length, waitingFor: waiting.blockers }),
      () => run(job),
    );
  } catch (failure) {
    // A table that changed gets another snapshot, and then this one is not needed.
    if (failure instanceof WalflowError && failure.code === 'TABLE_SHAPE_CHANGED') await order.look();
    if (!order.superseded.aborted || context.cancellationSignal.aborted) throw failure;
    return { tag: 'superseded', rows: job.rows, chunks: job.files.length };
  } finally {
    unwatch();
    await source.close();
  }
}

async function run(job: Job): Promise<SnapshotResult> {
  const { pipeline, entry } = job;
  if (await pipeline.lake.exists(snapshotCompleteKey(entry, entry.snapshot.id))) {
    return { tag: 'copied', rows: 0, chunks: 0 };
  }
  const r0Lsn = entry.mode === 'keyed' ? await readByKey(job) : await readExactly(job);
  await complete(job, r0Lsn);
  return { tag: 'copied', rows: job.rows, chunks: job.files.length };
}

/** Reads chunks by key range, each in its own transaction, so nothing is held open at the source. */
async function readByKey(job: Job): Promise<Lsn> {
  const { entry, source, pipeline } = job;
  const r0Lsn = parseLsn(entry.snapshot.r0Lsn);
  // A transaction with a commit record before R0 can still be invisible now: wait until it has ended.
  await waitForTransactions(source, { onBlocked: job.waiting.by(WAITS), signal: job.signal });
  const encoder = new ChangeFileEncoder(entry);
  const done = await readMarkers(pipeline.lake, entry);
  for (const marker of done) keep(job, marker);
  let after = done.at(-1)?.lastKey ?? null;
  let last = done.at(-1)?.last ?? false;
  while (!last) {
    job.signal.throwIfAborted();
    const chunk = await readChunk(source, entry, after, boundsOf(job));
    if (!chunk.asCaptured) {
      throw new WalflowError('TABLE_SHAPE_CHANGED', `${entry.table} was altered while its snapshot was taken`);
    }
    const file = chunk.rows.length > 0 ? await storeRows(job, encoder, chunk.rows, r0Lsn) : null;
    const mine = { file, lastKey: chunk.lastKey ?? after, last: chunk.last };
    const marker = await storeMarker(pipeline.lake, entry, job.files.length, mine);
    keep(job, marker);
    after = marker.lastKey;
    last = marker.last;
  }
  return r0Lsn;
}

/** Reads a table without a key in one transaction, from the start after a crash. The slot's consistent point is its R0. */
async function readExactly(job: Job): Promise<Lsn> {
  const { pipeline, entry } = job;
  const encoder = new ChangeFileEncoder(entry);
  const onRows = async (rows: readonly (readonly (string | null)[])[], consistentPoint: Lsn) => {
    job.signal.throwIfAborted();
    job.files.push(await storeRows(job, encoder, rows, consistentPoint));
    job.rows += rows.length;
  };
  return await exactSnapshot(pipeline.source.url, entry, boundsOf(job), onRows, job.waiting.by(WAITS));
}

const boundsOf = ({ pipeline }: Job) => ({ maxRows: pipeline.snapshot.chunkRows, maxBytes: CHUNK_BYTES });

function keep(job: Job, marker: ChunkMarker): void {
  if (marker.file === null) return;
  job.files.push(marker.file);
  job.rows += marker.file.rows;
}

async function storeRows(
  job: Job,
  encoder: ChangeFileEncoder,
  rows: readonly (readonly (string | null)[])[],
  r0Lsn: Lsn,
): Promise<SnapshotFile> {
  const { entry, pipeline } = job;
  encoder.beginTransaction(r0Lsn, Date.now() * 1000, 0);
  rows.forEach((values, i) => {
    encoder.appendText(i, values);
  });
  const encoded = await encoder.finish();
  encoder.reset();
  const nonce = randomUUID().slice(0, 8);
  const key = snapshotChunkKey(entry, entry.snapshot.id, job.files.length, nonce);
  await pipeline.lake.putIfAbsent(key, encoded.bytes, encoded.sha256);
  return { key, rows: encoded.rows, bytes: encoded.bytes.length, sha256: encoded.sha256 };
}

async function complete(job: Job, r0Lsn: Lsn): Promise<void> {
  const { pipeline, entry, source, files, rows } = job;
  const endLsn = await source.insertLsn();
  const { bytes, hash } = encodeSnapshotComplete({
    formatVersion: MANIFEST_FORMAT_VERSION,
    table: entry.table,
    id: entry.snapshot.id,
    r0Lsn: lsnToHex(r0Lsn),
    endLsn: lsnToHex(endLsn),
    rows,
    files,
  });
  await pipeline.lake.putIfAbsent(snapshotCompleteKey(entry, entry.snapshot.id), bytes, hash);
  // The table becomes live in the first merge that reaches endLsn; on an idle source only a nudge makes that soon.
  await source.notify(nudgeChannel(pipeline.name), lsnToText(endLsn));
}
