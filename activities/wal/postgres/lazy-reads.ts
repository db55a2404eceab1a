// Reads the replication socket lazily. The walsender sends row by row; each send that finds us waiting costs a wake-up and
// a packet of its own. Letting the socket fill for some milliseconds nearly doubles the rate and halves the server's CPU.
// States: reading → (a turn of the event loop brought bytes) resting → reading. The caller can hold the socket in both.

import { safely } from '../../../workflows/model/callback.ts';

/** The part of a socket that is used here. */
interface PausableSocket {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  removeListener(event: 'data', listener: (chunk: Buffer) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(failure: Error): unknown;
}

/** After a turn that brought this much, more waits in the server's own buffer: a rest would hold the server up. */
const BACKLOG_BYTES = 512 * 1024;
/**
 * A turn that brought this much may have found a small socket buffer full: the rest lasts only as long as the same amount
 * takes to arrive at this rate, up to a maximum.
 */
const FULL_TURN_BYTES = 48 * 1024;
const FULL_REST_BYTES_PER_MS = 16 * 1024;
const MAX_REST_MS = 20;
/** A turn that brought less than this is light traffic, where latency counts: rest only briefly. */
const LIGHT_TURN_BYTES = 4 * 1024;
const LIGHT_REST_MS = 1;

export class LazyReads {
  readonly #socket: PausableSocket;
  readonly #restMs: number;
  #turnBytes = 0;
  #turnOpen = false;
  #rest: NodeJS.Timeout | null = null;
  #held = false;
  #closed = false;

  /** `restMs`: how long to let the socket fill under load; 0 reads eagerly. */
  constructor(socket: PausableSocket, restMs: number) {
    this.#socket = socket;
    this.#restMs = restMs;
    if (restMs > 0) socket.on('data', this.#onData);
  }

  /** Stops reading until `release`; bytes the socket has handed over already are still delivered. */
  hold(): void {
    this.#held = true;
    this.#socket.pause();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.#rest === null && !this.#closed) this.#socket.resume();
  }

  get held(): boolean {
    return this.#held;
  }

  close(): void {
    this.#closed = true;
    this.#socket.removeListener('data', this.#onData);
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = null;
  }

  /** Counts bytes per turn, not per event: TLS hands over one record at a time. */
  readonly #onData = (chunk: Buffer): void => {
    this.#turnBytes += chunk.length;
    if (this.#turnOpen) return;
    this.#turnOpen = true;
    setImmediate(safely(() => this.#endTurn(), this.#fail));
  };

  readonly #fail = (failure: unknown): void => {
    this.#socket.destroy(failure instanceof Error ? failure : new Error(String(failure)));
  };

  #endTurn(): void {
    const bytes = this.#turnBytes;
    this.#turnBytes = 0;
    this.#turnOpen = false;
    if (bytes >= BACKLOG_BYTES || this.#rest !== null || this.#closed) return;
    this.#socket.pause();
    this.#rest = setTimeout(
      safely(() => this.#endRest(), this.#fail),
      this.#restAfter(bytes),
    );
  }

  #restAfter(bytes: number): number {
    if (bytes < LIGHT_TURN_BYTES) return LIGHT_REST_MS;
    if (bytes < FULL_TURN_BYTES) return this.#restMs;
    return Math.min(MAX_REST_MS, bytes / FULL_REST_BYTES_PER_MS);
  }

  #endRest(): void {
    this.#rest = null;
    if (!this.#held) this.#socket.resume();
  }
}
