// The first copy of a table: one method for first load, added table and resync. Each chunk is read in its own transaction;
// changes at or after R0 beat its rows by key when the warehouse folds them. Idempotency key: the chunk number; a marker
// in the lake says that a chunk is stored and where the next one begins.

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
import { exactSnapshot, readChunk, waitForTransactions } from './wal/postgres/snapshot-reader.ts';
import { openSource, type Source } from './wal/postgres/source.ts';

/** A chunk of wide rows ends here, before `snapshot.chunkRows`: its texts and their encoding are in memory together. */
const CHUNK_BYTES = 32 * 1024 * 1024;

interface Copy {
  readonly resources: IngestResources;
  readonly pipeline: PipelineResources;
  readonly source: Source;
  readonly entry: CaptureEntry;
  /** Aborted = the attempt is cancelled, or the copy superseded. */
  readonly signal: AbortSignal;
  readonly files: SnapshotFile[];
  rows: number;
}

/** Copies one table; resumes behind the chunks already stored. Ends early once another copy took its place. */
export async function copyTable(
  resources: IngestResources,
  input: { pipeline: string; table: string; id: string },
): Promise<SnapshotResult> {
  const pipeline = pipelineOf(resources, input.pipeline);
  const order = new StillWanted(pipeline.lake, input);
  const entry = await order.look();
  if (entry === null) return { tag: 'superseded', rows: 0, chunks: 0 };
  const source = await openSource(pipeline.source.url, `walflow ${pipeline.name} copy ${input.table}`);
  const context = Context.current();
  const signal = AbortSignal.any([context.cancellationSignal, order.superseded]);
  const copy: Copy = { resources, pipeline, source, entry, signal, files: [], rows: 0 };
  const unwatch = order.watch();
  try {
    return await withHeartbeat(
      () => ({ rows: copy.rows, chunks: copy.files.length }),
      () => run(copy),
    );
  } catch (failure) {
    // A table that changed gets a new copy, and this one need not be tried again.
    if (failure instanceof WalflowError && failure.code === 'TABLE_SHAPE_CHANGED') await order.look();
    if (!order.superseded.aborted || context.cancellationSignal.aborted) throw failure;
    return { tag: 'superseded', rows: copy.rows, chunks: copy.files.length };
  } finally {
    unwatch();
    await source.close();
  }
}

async function run(copy: Copy): Promise<SnapshotResult> {
  const { pipeline, entry } = copy;
  if (await pipeline.lake.exists(snapshotCompleteKey(entry, entry.snapshot.id))) {
    return { tag: 'copied', rows: 0, chunks: 0 };
  }
  const r0Lsn = entry.mode === 'keyed' ? await copyByKey(copy) : await copyExactly(copy);
  await complete(copy, r0Lsn);
  return { tag: 'copied', rows: copy.rows, chunks: copy.files.length };
}

/** Chunks by key range; each its own snapshot, so nothing is held open at the source. */
async function copyByKey(copy: Copy): Promise<Lsn> {
  const { entry, source, pipeline, resources } = copy;
  const r0Lsn = parseLsn(entry.snapshot.r0Lsn);
  // A commit record before R0 can still be invisible to a snapshot taken now: wait until those transactions ended.
  await waitForTransactions(source, {
    onBlocked: (blockers) =>
      resources.log.warn(
        { pipeline: pipeline.name, table: entry.table, blockers },
        'the copy waits for older transactions',
      ),
    signal: copy.signal,
  });
  const encoder = new ChangeFileEncoder(entry);
  const done = await readMarkers(pipeline.lake, entry);
  for (const marker of done) keep(copy, marker);
  let after = done.at(-1)?.lastKey ?? null;
  let last = done.at(-1)?.last ?? false;
  while (!last) {
    copy.signal.throwIfAborted();
    const chunk = await readChunk(source, entry, after, boundsOf(copy));
    if (!chunk.asCaptured) {
      throw new WalflowError('TABLE_SHAPE_CHANGED', `${entry.table} was changed while it was copied`);
    }
    const file = chunk.rows.length > 0 ? await storeRows(copy, encoder, chunk.rows, r0Lsn) : null;
    const mine = { file, lastKey: chunk.lastKey ?? after, last: chunk.last };
    const marker = await storeMarker(pipeline.lake, entry, copy.files.length, mine);
    keep(copy, marker);
    after = marker.lastKey;
    last = marker.last;
  }
  return r0Lsn;
}

/** A table without a key: one exact snapshot, from zero after a crash; its consistent point is its own R0. */
async function copyExactly(copy: Copy): Promise<Lsn> {
  const { pipeline, entry } = copy;
  const encoder = new ChangeFileEncoder(entry);
  const point = await exactSnapshot(pipeline.source.url, entry, boundsOf(copy), async (rows, consistentPoint) => {
    copy.signal.throwIfAborted();
    copy.files.push(await storeRows(copy, encoder, rows, consistentPoint));
    copy.rows += rows.length;
  });
  return point;
}

const boundsOf = ({ pipeline }: Copy) => ({ maxRows: pipeline.snapshot.chunkRows, maxBytes: CHUNK_BYTES });

function keep(copy: Copy, marker: ChunkMarker): void {
  if (marker.file === null) return;
  copy.files.push(marker.file);
  copy.rows += marker.file.rows;
}

async function storeRows(
  copy: Copy,
  encoder: ChangeFileEncoder,
  rows: readonly (readonly (string | null)[])[],
  r0Lsn: Lsn,
): Promise<SnapshotFile> {
  const { entry, pipeline } = copy;
  encoder.beginTransaction(r0Lsn, Date.now() * 1000, 0);
  rows.forEach((values, i) => {
    encoder.appendText(i, values);
  });
  const encoded = await encoder.finish();
  encoder.reset();
  const nonce = randomUUID().slice(0, 8);
  const key = snapshotChunkKey(entry, entry.snapshot.id, copy.files.length, nonce);
  await pipeline.lake.putIfAbsent(key, encoded.bytes, encoded.sha256);
  return { key, rows: encoded.rows, bytes: encoded.bytes.length, sha256: encoded.sha256 };
}

async function complete(copy: Copy, r0Lsn: Lsn): Promise<void> {
  const { pipeline, entry, source, files, rows } = copy;
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
  // The table goes live at the first merge that reaches endLsn; on an idle source only a nudge brings one soon.
  await source.notify(nudgeChannel(pipeline.name), lsnToText(endLsn));
}
