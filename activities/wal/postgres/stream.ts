// Station 1 of a row's way: the replication connection. Hands every message to the decoder in place, reads lazily, answers
// the server also while the reader is held, and confirms exactly the position it is told: nothing is acknowledged here on
// its own account. Ends with a typed error, whatever ended it, or quietly after stop().

import { once } from 'node:events';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { type Lsn, lsnToText } from '../../../workflows/model/lsn.ts';
import { FrameCutter } from '../frames.ts';
import { encodeStandbyStatus } from '../standby-status.ts';
import { clientConfig, createClient, placeOf, sessionSql } from './connection.ts';
import { connectError, type Place, placeText, sqlState, statementError } from './errors.ts';
import { LazyReads } from './lazy-reads.ts';
import { ReplicationSocket } from './socket.ts';
import { settleBusySlot } from './takeover.ts';

export interface ReplicationStreamOptions {
  readonly url: string;
  /** How the walsender shows in pg_stat_replication: by this name it is recognised as ours. */
  readonly applicationName: string;
  readonly slot: string;
  readonly publications: readonly string[];
  /** 0 = from the acknowledged position; the server never goes back behind that one. */
  readonly startLsn: Lsn;
  /** Takes one pgoutput message at `buffer[offset, end)`; what it throws ends the stream. */
  readonly decode: (buffer: Buffer, offset: number, end: number) => void;
  /** Everything before `walEnd` was sent; where nothing is pending, it may be acknowledged. */
  readonly onKeepalive: (walEnd: Lsn, replyRequested: boolean) => void;
  /** Position before which nothing is on its way any more; shown as `replay_lsn` in pg_stat_replication. */
  readonly settledLsn: () => Lsn;
  /** How long a drained socket is left to fill under load; 0 = read eagerly. */
  readonly coalesceMs: number;
}

export interface ReplicationStream {
  /** Stops reading; the connection is kept alive. What was already read is still decoded. */
  pause(): void;
  resume(): void;
  /** Confirms that everything before `flushed` is stored, and tells the server so at once. Never moves back. */
  sendStatus(flushed: Lsn): void;
  /** Asks the server for a keepalive now. */
  ping(): void;
  readonly receivedLsn: Lsn;
  /** Resolves after stop(); rejects with a WalflowError when the stream fails. */
  readonly closed: Promise<void>;
  stop(): Promise<void>;
}

/** A status goes out at least this often, so that a consumer that stopped living is recognised by its silence. */
const MAX_STATUS_MS = 10_000;
/** … and within this part of wal_sender_timeout, after which the server ends the connection. */
const STATUS_PART = 0.6;
/** A server that does not answer for this many times wal_sender_timeout is gone. */
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
 * Starts replication. A slot still held by a walsender of ours that went silent is taken over.
 * @throws WalflowError SLOT_BUSY (who holds it), SLOT_MISSING, SLOT_LOST, PUBLICATION_MISSING, and what connecting throws.
 */
export async function openReplicationStream(options: ReplicationStreamOptions): Promise<ReplicationStream> {
  const place = placeOf(createClient(options.url, options.applicationName, true));
  for (let tries = 1; ; tries++) {
    const stream = new LogicalStream(options, place);
    try {
      await stream.started;
      return stream;
    } catch (failure) {
      if (sqlState(failure) !== SLOT_IN_USE) throw failure;
      await settleBusySlot({ ...options, tries, failure });
    }
  }
}

/** TLS reads by itself, from the socket below it. */
const openSocket = ({ ssl }: { readonly ssl?: unknown } = {}) => (ssl ? new Socket() : new ReplicationSocket());

class LogicalStream implements ReplicationStream {
  readonly #options: ReplicationStreamOptions;
  readonly #place: Place;
  readonly #service: LogicalReplicationService;
  readonly #began = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #frames: FrameCutter;
  #connection: CopyConnection | null = null;
  /** Who read the socket before: pg's parser, which still gets all that is not replicated data. */
  #readers: readonly SocketReader[] = [];
  #reads: LazyReads | null = null;
  #statusTimer: NodeJS.Timeout | null = null;
  #flushedLsn: Lsn = 0n;
  #over = false;
  #heard = false;
  #silentTicks = 0;

  constructor(options: ReplicationStreamOptions, place: Place) {
    this.#options = options;
    this.#place = place;
    this.#ended.promise.catch(() => {});
    this.#frames = new FrameCutter({
      message: (buffer, start, end) => this.#onMessage(buffer, start, end),
      keepalive: (walEnd, replyRequested) => this.#onKeepalive(walEnd, replyRequested),
      other: (bytes) => {
        const kept = Buffer.from(bytes);
        for (const reader of this.#readers) reader(kept);
      },
    });
    const config = { ...clientConfig(options.url, options.applicationName), stream: openSocket };
    // Its own acknowledging is switched off: it confirms positions that were only received, and one byte too far.
    this.#service = new LogicalReplicationService(config, { acknowledge: { auto: false, timeoutSeconds: 0 } });
    this.#service.on('error', (cause) => this.#fail(cause));
    this.#service.on('start', () => {
      // The first answer: from here on silence is what tells a stopped consumer from a living one.
      this.#send(false);
      this.#began.resolve();
    });
    const plugin = {
      name: 'pgoutput',
      options: {},
      start: (client: pg.Client) => this.#start(client),
      // Never called: messages are taken from the socket before the service makes an event of each.
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
    return this.#frames.receivedLsn;
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

  /** The last status is on its way to the server before the connection ends; the slot is free soon after. */
  async stop(): Promise<void> {
    if (!this.#over) {
      this.#close();
      const socket = this.#connection?.stream;
      // Half a close: the server reads the status that is still in front of it. What it sends meanwhile is dropped.
      socket?.end();
      socket?.resume();
      if (socket && !socket.destroyed)
        await Promise.race([once(socket, 'close').catch(() => {}), sleep(CLOSE_LIMIT_MS)]);
      this.#ended.resolve();
    }
    await this.#service.stop();
  }

  /** Session, timers, lazy reads, then the command; its promise stays pending while the stream lives. */
  async #start(client: pg.Client): Promise<unknown> {
    const { applicationName, slot, publications, startLsn, coalesceMs } = this.#options;
    await client.query(sessionSql(applicationName));
    const { rows } = await client.query<{ setting: string }>(TIMEOUT_SQL);
    // pg does not declare its connection, which is all a COPY BOTH can be steered by.
    const { connection } = client as unknown as { readonly connection: CopyConnection };
    this.#connection = connection;
    this.#takeOver(connection.stream);
    this.#reads = new LazyReads(connection.stream, coalesceMs);
    this.#keepAlive(Number(rows[0]?.setting ?? 0));
    const names = publications.map((name) => pg.escapeIdentifier(name)).join(',');
    return await client.query(
      `START_REPLICATION SLOT ${pg.escapeIdentifier(slot)} LOGICAL ${lsnToText(startLsn)} (proto_version '1', publication_names '${names.replaceAll("'", "''")}')`,
    );
  }

  /** Between two statements, so at the beginning of a message. */
  #takeOver(socket: Socket): void {
    this.#readers = socket.listeners('data') as SocketReader[];
    if (socket instanceof ReplicationSocket) socket.reuseChunks();
    socket.on('data', (chunk: Buffer) => {
      this.#heard = true;
      this.#guard(() => this.#frames.push(chunk));
    });
    for (const reader of this.#readers) socket.removeListener('data', reader);
  }

  /** Runs whether or not the reader is held: a blocked pipeline must not cost the connection. */
  #keepAlive(walSenderTimeoutMs: number): void {
    const everyMs = walSenderTimeoutMs > 0 ? Math.min(MAX_STATUS_MS, walSenderTimeoutMs * STATUS_PART) : MAX_STATUS_MS;
    const silentLimit = walSenderTimeoutMs > 0 ? Math.ceil((walSenderTimeoutMs * SILENT_TIMEOUTS) / everyMs) : Infinity;
    this.#statusTimer = setInterval(() => {
      // Counted in ticks, not in time: after a stall of this process the socket gets its turn before the next tick.
      this.#silentTicks = this.#heard || this.#reads?.held ? 0 : this.#silentTicks + 1;
      this.#heard = false;
      if (this.#silentTicks > silentLimit) {
        this.#end(new WalflowError('SOURCE_UNREACHABLE', `${placeText(this.#place)} no longer answers`));
      } else {
        this.#send(this.#silentTicks > 0);
      }
    }, everyMs);
  }

  #onKeepalive(walEnd: Lsn, replyRequested: boolean): void {
    if (this.#over) return;
    if (replyRequested) this.#send(false);
    this.#options.onKeepalive(walEnd, replyRequested);
  }

  #onMessage(buffer: Buffer, start: number, end: number): void {
    if (!this.#over) this.#options.decode(buffer, start, end);
  }

  /** What a callback throws must end the stream; thrown on, it would end the process from inside the socket's event. */
  #guard(callback: () => void): void {
    try {
      callback();
    } catch (failure) {
      this.#end(failure);
    }
  }

  #send(replyRequested: boolean): void {
    if (this.#over || this.#connection === null) return;
    const { receivedLsn: received } = this;
    const positions = { received, flushed: this.#flushedLsn, settled: this.#options.settledLsn() };
    const status = encodeStandbyStatus({ ...positions, replyRequested, nowMs: Date.now() });
    this.#connection.sendCopyFromChunk(status);
  }

  #fail(cause: unknown): void {
    const doing = `replication from slot ${this.#options.slot}`;
    this.#end(this.#connection === null ? connectError(cause, this.#place, true) : statementError(cause, doing));
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
