// Station 1 on a row's way: the replication connection. Hands every message to the decoder in place, reads lazily, answers
// the server even while the reader is held, and acknowledges exactly the position it is given, never one of its own.
// Ends with a typed error, whatever ended it, or without one after stop().

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import pg from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication';
import { safely } from '../../../workflows/model/callback.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { type Lsn, lsnToText } from '../../../workflows/model/lsn.ts';
import { FrameCutter } from '../frames.ts';
import { LargeChange, type LargestValue } from '../large-change.ts';
import { ReplicationFrames } from '../replication-frame.ts';
import { encodeStandbyStatus } from '../standby-status.ts';
import { byAnyWay, type Way, waysTo } from './connection.ts';
import { connectError, type Place, placeText, sqlState, streamError } from './errors.ts';
import { guarded } from './guard.ts';
import { LazyReads } from './lazy-reads.ts';
import { LATE_SETTINGS_SQL } from './session.ts';
import { BulkSocket, openBulkSocket } from './socket.ts';
import { settleBusySlot } from './takeover.ts';

export interface ReplicationStreamOptions {
  readonly url: string;
  /** How the walsender appears in pg_stat_replication: by this name it is recognised as ours. */
  readonly applicationName: string;
  readonly slot: string;
  readonly publications: readonly string[];
  /** 0 = from the acknowledged position; the server never goes back beyond that. */
  readonly startLsn: Lsn;
  /** Takes one pgoutput message at `buffer[offset, end)`; what it throws ends the stream. */
  readonly decode: (buffer: Buffer, offset: number, end: number) => void;
  /** Size of the largest message that is held; a larger one goes to `onLargeChange` instead of `decode`. */
  readonly maxRowBytes: number;
  readonly onLargeChange: (largest: LargestValue) => void;
  /** Everything before `walEnd` was sent. */
  readonly onKeepalive: (walEnd: Lsn, replyRequested: boolean) => void;
  /** Nothing before it is still on its way to the lake; appears as `replay_lsn` in pg_stat_replication. */
  readonly settledLsn: () => Lsn;
  /** How long a drained socket may fill under load; 0 = read eagerly. */
  readonly coalesceMs: number;
}

export interface ReplicationStream {
  /** Stops reading; the connection is kept alive. What was already read is still decoded. */
  pause(): void;
  resume(): void;
  /** Acknowledges at once that everything before `flushed` is stored. Never moves back. */
  sendStatus(flushed: Lsn): void;
  /** Asks the server for a keepalive now. */
  ping(): void;
  readonly receivedLsn: Lsn;
  /** Resolves after stop(); rejects with a WalflowError when the stream fails. */
  readonly closed: Promise<void>;
  stop(): Promise<void>;
}

/** A status is sent at least this often, so that silence means a dead consumer. */
const MAX_STATUS_MS = 10_000;
/** … and within this part of wal_sender_timeout, after which the server ends the connection. */
const STATUS_PART = 0.6;
/** A server that is silent for so many times wal_sender_timeout is gone. */
const SILENT_TIMEOUTS = 2;
const CLOSE_LIMIT_MS = 1_000;
/** object_in_use */
const SLOT_IN_USE = '55006';
const TIMEOUT_SQL = `select setting from pg_settings where name = 'wal_sender_timeout'`;

type SocketReader = (chunk: Buffer) => void;

/** The parts of pg's connection that carry a COPY BOTH. */
interface CopyConnection {
  readonly stream: Socket;
  sendCopyFromChunk(chunk: Buffer): void;
}

/**
 * Starts replication. A slot that is still held by a silent walsender of ours is taken over.
 * @throws WalflowError SLOT_BUSY (who holds it), SLOT_MISSING, SLOT_LOST, PUBLICATION_MISSING, and what connecting throws.
 */
export async function openReplicationStream(options: ReplicationStreamOptions): Promise<ReplicationStream> {
  const ways = waysTo(options.url, options.applicationName);
  for (let tries = 1; ; tries++) {
    try {
      return await byAnyWay(ways, async (way) => {
        const stream = new LogicalStream(options, way);
        await stream.started;
        return stream;
      });
    } catch (failure) {
      if (sqlState(failure) !== SLOT_IN_USE) throw failure;
      await settleBusySlot({ ...options, tries, failure });
    }
  }
}

class LogicalStream implements ReplicationStream {
  readonly #options: ReplicationStreamOptions;
  readonly #place: Place;
  readonly #service: LogicalReplicationService;
  readonly #began = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #received: ReplicationFrames;
  readonly #frames: FrameCutter;
  /** The change that is arriving in pieces. */
  #large: LargeChange | null = null;
  #connection: CopyConnection | null = null;
  /** The previous reader, pg's parser: it still gets everything that is not replicated data. */
  #readers: readonly SocketReader[] = [];
  #reads: LazyReads | null = null;
  #statusTimer: NodeJS.Timeout | null = null;
  #flushedLsn: Lsn = 0n;
  #over = false;
  #heard = false;
  #silentTicks = 0;

  constructor(options: ReplicationStreamOptions, { config, place }: Way) {
    this.#options = options;
    this.#place = place;
    this.#ended.promise.catch(() => {});
    this.#received = new ReplicationFrames({
      message: (buffer, start, end) => this.#onMessage(buffer, start, end),
      keepalive: (walEnd, replyRequested) => this.#onKeepalive(walEnd, replyRequested),
    });
    this.#frames = this.#openFrames();
    // Its own acknowledging is off: it confirms positions that were only received, and one byte too many.
    const settings = { ...config, stream: openBulkSocket };
    this.#service = new LogicalReplicationService(settings, { acknowledge: { auto: false, timeoutSeconds: 0 } });
    this.#service.on('error', (cause) => this.#fail(cause));
    this.#service.on('start', () => {
      // From this first status on, silence means that the consumer is dead.
      this.#send(false);
      this.#began.resolve();
    });
    const plugin = {
      name: 'pgoutput',
      options: {},
      start: (client: pg.Client) => this.#start(client),
      // Never called: messages are taken from the socket before the service would make an event of each.
      parse: () => {},
    };
    this.#service.subscribe(plugin, options.slot).then(
      () => this.#fail(new Error('Connection terminated')),
      (cause) => this.#fail(cause),
    );
  }

  get started(): Promise<void> {
    return this.#began.promise;
  }

  get closed(): Promise<void> {
    return this.#ended.promise;
  }

  get receivedLsn(): Lsn {
    return this.#received.receivedLsn;
  }

  pause(): void {
    this.#reads?.hold();
  }

  resume(): void {
    this.#reads?.release();
  }

  sendStatus(flushed: Lsn): void {
    if (flushed > this.#flushedLsn) this.#flushedLsn = flushed;
    this.#send(false);
  }

  ping(): void {
    this.#send(true);
  }

  /** The last status is sent before the connection ends; the slot is free soon after. */
  async stop(): Promise<void> {
    if (!this.#over) {
      this.#close();
      const socket = this.#connection?.stream;
      // Closes our half only: the server still reads the last status. What it sends meanwhile is dropped.
      socket?.end();
      socket?.resume();
      if (socket && !socket.destroyed)
        await Promise.race([once(socket, 'close').catch(() => {}), sleep(CLOSE_LIMIT_MS)]);
      this.#ended.resolve();
    }
    await this.#service.stop();
  }

  /** Sets up session, timers and lazy reads, then sends the command; its promise stays pending while the stream lives. */
  async #start(client: pg.Client): Promise<unknown> {
    const { slot, publications, startLsn, coalesceMs } = this.#options;
    await client.query(LATE_SETTINGS_SQL);
    const { rows } = await client.query<{ setting: string }>(TIMEOUT_SQL);
    // pg does not declare its connection, but a COPY BOTH can be controlled only through it.
    const { connection } = client as unknown as { readonly connection: CopyConnection };
    this.#connection = connection;
    // A plain socket is guarded already; TLS has opened a socket of its own on top of it.
    this.#takeOver(connection.stream instanceof TLSSocket ? guarded(connection.stream) : connection.stream);
    this.#reads = new LazyReads(connection.stream, coalesceMs);
    this.#keepAlive(Number(rows[0]?.setting ?? 0));
    const names = publications.map((name) => pg.escapeIdentifier(name)).join(',');
    return await client.query(
      `START_REPLICATION SLOT ${pg.escapeIdentifier(slot)} LOGICAL ${lsnToText(startLsn)} (proto_version '1', publication_names '${names.replaceAll("'", "''")}')`,
    );
  }

  #openFrames(): FrameCutter {
    const handler = {
      frame: (buffer: Buffer, start: number, end: number) => this.#received.take(buffer, start, end),
      piece: (buffer: Buffer, start: number, end: number) => {
        this.#large ??= new LargeChange();
        this.#large.push(buffer, start, end);
      },
      endOfLarge: () => {
        const largest = this.#large?.largest ?? null;
        this.#large = null;
        if (largest !== null && !this.#over) this.#options.onLargeChange(largest);
      },
      other: (bytes: Buffer) => {
        const kept = Buffer.from(bytes);
        for (const reader of this.#readers) reader(kept);
      },
    };
    return new FrameCutter(handler, this.#options.maxRowBytes);
  }

  /** Called between two statements, so the next byte begins a message. */
  #takeOver(socket: Socket): void {
    this.#readers = socket.listeners('data') as SocketReader[];
    if (socket instanceof BulkSocket) socket.reuseChunks(true);
    socket.on('data', (chunk: Buffer) => {
      this.#heard = true;
      this.#guard(() => this.#frames.push(chunk));
    });
    for (const reader of this.#readers) socket.removeListener('data', reader);
  }

  /** Runs even while the reader is held: a blocked pipeline must not lose its connection. */
  #keepAlive(walSenderTimeoutMs: number): void {
    const everyMs = walSenderTimeoutMs > 0 ? Math.min(MAX_STATUS_MS, walSenderTimeoutMs * STATUS_PART) : MAX_STATUS_MS;
    const silentLimit = walSenderTimeoutMs > 0 ? Math.ceil((walSenderTimeoutMs * SILENT_TIMEOUTS) / everyMs) : Infinity;
    const tick = () => {
      // Counts ticks, not time: after a stall of this process, the socket gets its turn before the next tick.
      this.#silentTicks = this.#heard || this.#reads?.held ? 0 : this.#silentTicks + 1;
      this.#heard = false;
      if (this.#silentTicks > silentLimit) {
        this.#end(new WalflowError('SOURCE_UNREACHABLE', `${placeText(this.#place)} no longer answers`));
      } else {
        this.#send(this.#silentTicks > 0);
      }
    };
    this.#statusTimer = setInterval(
      safely(tick, (failure) => this.#end(failure)),
      everyMs,
    );
  }

  #onKeepalive(walEnd: Lsn, replyRequested: boolean): void {
    if (this.#over) return;
    if (replyRequested) this.#send(false);
    this.#options.onKeepalive(walEnd, replyRequested);
  }

  #onMessage(buffer: Buffer, start: number, end: number): void {
    if (!this.#over) this.#options.decode(buffer, start, end);
  }

  /** What a callback throws must end the stream; uncaught inside a socket event, it would end the process. */
  #guard(callback: () => void): void {
    try {
      callback();
    } catch (failure) {
      this.#end(failure);
    }
  }

  #send(replyRequested: boolean): void {
    // Also called from timers of others.
    this.#guard(() => {
      if (this.#over || this.#connection === null) return;
      const { receivedLsn: received } = this;
      const positions = { received, flushed: this.#flushedLsn, settled: this.#options.settledLsn() };
      const status = encodeStandbyStatus({ ...positions, replyRequested, nowMs: Date.now() });
      this.#connection.sendCopyFromChunk(status);
    });
  }

  #fail(cause: unknown): void {
    const { slot } = this.#options;
    this.#end(this.#connection === null ? connectError(cause, this.#place, true) : streamError(cause, slot));
  }

  #end(failure: unknown): void {
    if (this.#over) return;
    this.#close();
    this.#connection?.stream.destroy();
    this.#began.reject(failure);
    this.#ended.reject(failure);
    this.#service.stop().catch(() => {});
  }

  #close(): void {
    this.#over = true;
    this.#reads?.close();
    if (this.#statusTimer !== null) clearInterval(this.#statusTimer);
  }
}
