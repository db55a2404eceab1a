// Stations 1 to 6 on a row's way, connected: WAL, decode, batch, Parquet, S3, manifest. Idempotency key: the number of the
// manifest, taken by a conditional PUT. An attempt reads from lake and slot where to go on, never from heartbeat details:
// these lag behind, and continue-as-new drops them.

import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { WalflowError } from '../workflows/model/errors.ts';
import { type Lsn, lsnToHex, parseLsn } from '../workflows/model/lsn.ts';
import type { StreamEnd } from '../workflows/model/run.ts';
import { runRef, withHeartbeat } from './activity.ts';
import { captureChanged } from './capture/drift.ts';
import { LiveCapture } from './capture/live-capture.ts';
import { continuedPosition, readCapture, sentCaptures } from './capture/log-position.ts';
import { Backlog } from './landing/backlog.ts';
import { IdleLanding } from './landing/idle-landing.ts';
import { Landing } from './landing/landing.ts';
import { type ManifestAppender, openAppender } from './landing/manifest-appender.ts';
import { nudgeChannel, SlotMeter, streamApplicationName } from './landing/slot-meter.ts';
import { type IngestResources, type PipelineResources, pipelineOf } from './resources.ts';
import { PgoutputDecoder } from './wal/pgoutput.ts';
import { publicationsOf } from './wal/postgres/publication.ts';
import { openSource, type Source } from './wal/postgres/source.ts';
import { openReplicationStream, type ReplicationStream } from './wal/postgres/stream.ts';
import { TransactionReader } from './wal/transaction.ts';

/**
 * How long a drained socket may fill, so that one read takes what the server sent row by row. Measured from 3 to 12: at 3
 * each row costs the server a third more and this process twice as much; above 8 there is little to gain.
 */
const COALESCE_MS = 8;

/** Streams until the captured tables change, the attempt is cancelled, or something fails. */
export async function streamChanges(resources: IngestResources, input: { pipeline: string }): Promise<StreamEnd> {
  const pipeline = pipelineOf(resources, input.pipeline);
  const meter = new SlotMeter(resources, pipeline);
  return await withHeartbeat(
    () => meter.progress,
    async () => {
      const source = await openSource(pipeline.source.url, `walflow ${pipeline.name} ingest`);
      try {
        const position = await continuedPosition(pipeline, source);
        const writer = openAppender(resources, pipeline, position, runRef());
        const publications = publicationsOf(pipeline.source.publication, await sentCaptures(pipeline.lake, position));
        return await runStream({ resources, pipeline, meter, source, writer, publications });
      } finally {
        meter.close();
        await source.close();
      }
    },
  );
}

/** What one attempt works with. */
interface Attempt {
  readonly resources: IngestResources;
  readonly pipeline: PipelineResources;
  readonly meter: SlotMeter;
  readonly source: Source;
  readonly writer: ManifestAppender;
  readonly publications: readonly string[];
}

/** The parts of a running stream, connected to each other. */
interface Connected {
  readonly stream: ReplicationStream;
  readonly landing: Landing;
  readonly idle: IdleLanding;
  readonly reader: TransactionReader;
}

async function connect(attempt: Attempt, capture: LiveCapture): Promise<Connected> {
  const { resources, pipeline, meter, source, writer, publications } = attempt;
  // The callbacks run only once the stream delivers something, so it exists by then.
  let stream: ReplicationStream | null = null;
  const backlog = new Backlog();
  backlog.reached(await source.insertLsn(), performance.now());
  const positions = () => ({ receivedLsn: stream?.receivedLsn ?? 0n, durableLsn: writer.durableLsn });
  meter.follow({ source, backlog, positions });
  const landing = new Landing({
    writer,
    capture,
    newSnapshotId: () => randomUUID().slice(0, 8),
    ...pipeline.flush,
    isBehind: (lsn) => backlog.isBehind(lsn, performance.now()),
    nowMs: () => performance.now(),
    onLanded: (batch, flushSeconds) => {
      stream?.sendStatus(batch.endLsn);
      meter.landed(batch, flushSeconds);
      resources.doorbell.landed(pipeline.name);
    },
    onPressure: (paused) => (paused ? stream?.pause() : stream?.resume()),
  });
  const idle = new IdleLanding({
    landing,
    durableLsn: () => writer.durableLsn,
    ping: () => stream?.ping(),
    insertLsn: () => source.insertLsn(),
  });
  const reader = new TransactionReader((relation) => capture.find(relation), landing);
  const decoder = new PgoutputDecoder(reader);
  const opening = openReplicationStream({
    url: pipeline.source.url,
    applicationName: streamApplicationName(pipeline.name),
    slot: pipeline.source.slot,
    publications,
    // The server begins at the acknowledged position: it sends again what is stored but not acknowledged, and this overlap
    // proves that it still has the same history.
    startLsn: 0n,
    decode: (buffer, offset, end) => decoder.decode(buffer, offset, end),
    maxRowBytes: pipeline.source.maxRowBytes,
    onLargeChange: (largest) => decoder.skipLarge(largest),
    onKeepalive: (walEnd) => {
      const { proven } = writer.history;
      writer.history.passed(walEnd);
      // Not before: in another history the lake's end means nothing, and acknowledging it would hide that.
      if (!proven && writer.history.proven) stream?.sendStatus(writer.durableLsn);
      idle.keepalive(walEnd);
    },
    settledLsn: () => landing.settledLsn,
    coalesceMs: COALESCE_MS,
  });
  stream = await opening.catch((failure: unknown) => {
    idle.close();
    throw failure;
  });
  return { stream, landing, idle, reader };
}

async function runStream(attempt: Attempt): Promise<StreamEnd> {
  const { resources, pipeline, meter, source, writer } = attempt;
  const capture = new LiveCapture(await readCapture(pipeline.lake, writer.head));
  const watching = new AbortController();
  const { stream, landing, idle, reader } = await connect(attempt, capture);
  try {
    await source.listen(nudgeChannel(pipeline.name), (payload) => idle.nudge(positionOf(payload)));
    // A nudge that came before this listens, from a finished snapshot or a waiting reader, was for an earlier position.
    idle.want(await source.insertLsn());
    resources.log.info({ pipeline: pipeline.name, lsn: lsnToHex(writer.durableLsn) }, 'streaming');
    return await Promise.race([
      stream.closed.then(() => Promise.reject(new Error('the replication stream ended'))),
      landing.failed,
      idle.failed,
      source.lost,
      captureChanged(
        {
          ...{ pipeline, source, capture },
          reshaped: () => landing.changedTables,
          redescribed: () => reader.redescribed,
          settledLsn: () => landing.settledLsn,
        },
        watching.signal,
      ),
      Context.current().cancelled,
    ]).catch((failure: unknown) => {
      throw blamed(failure, reader.suspects);
    });
  } finally {
    watching.abort();
    idle.close();
    meter.close();
    // Lands what is complete before it gives up the slot, so that the next attempt need not read it again.
    stream.pause();
    await landing.drain().catch(() => {});
    landing.close();
    await stream.stop();
  }
}

/** The server does not say which table's change it cannot print. */
function blamed(failure: unknown, suspects: readonly string[]): unknown {
  if (!(failure instanceof WalflowError) || failure.code !== 'CHANGE_UNPRINTABLE' || suspects.length === 0)
    return failure;
  const whose = `it is of ${suspects.length === 1 ? '' : 'one of '}${suspects.join(', ')}`;
  return new WalflowError(failure.code, `${failure.message}: ${whose}`, { cause: failure });
}

/** Any client may send a NOTIFY: a payload that is not a position is ignored. */
function positionOf(payload: string): Lsn {
  try {
    return parseLsn(payload);
  } catch {
    return 0n;
  }
}
