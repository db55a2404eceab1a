// Between stations 1 and 2 on a row's way: cuts the bytes of a replication connection into frames (CopyData), in place.
// A client that makes an object, two slices and a string for every row spends more on that than on decoding.
// https://www.postgresql.org/docs/current/protocol-message-formats.html (CopyData), and for the payloads XLogData and
// Primary keepalive: https://www.postgresql.org/docs/current/protocol-replication.html

import type { Lsn } from '../../workflows/model/lsn.ts';
import { byteAt, uint32At } from './byte-reader.ts';

export interface FrameHandler {
  /** One message of the output plugin, at `buffer[start, end)`; valid until the call returns. */
  message(buffer: Buffer, start: number, end: number): void;
  /** Everything before `walEnd` was sent. */
  keepalive(walEnd: Lsn, replyRequested: boolean): void;
  /** A whole protocol message other than a frame; valid until the call returns. */
  other(bytes: Buffer): void;
}

/** One byte of type, four of length (which counts itself), then the content. */
const HEADER_BYTES = 5;
const COPY_DATA = 0x64;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
/** XLogData: kind, start, end of WAL, time. */
const XLOG_HEADER_BYTES = 25;
/** Keepalive: kind, end of WAL, time, reply requested. */
const KEEPALIVE_REPLY_AT = 17;
const KEEPALIVE_BYTES = 18;
/** A server never builds a larger message (MaxAllocSize). */
const MAX_LENGTH = 0x3fff_ffff;
const NOTHING = Buffer.alloc(0);

export class FrameCutter {
  readonly #handler: FrameHandler;
  /** Room for the message that has not arrived completely, or for its header while even that is incomplete. */
  #kept: Buffer = NOTHING;
  #keptBytes = 0;
  #receivedHigh = 0;
  #receivedLow = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Position of the last message or keepalive. */
  get receivedLsn(): Lsn {
    return (BigInt(this.#receivedHigh) << 32n) | BigInt(this.#receivedLow);
  }

  /**
   * Takes the next bytes of the connection; the first call must begin with a message. The chunk may be reused afterwards.
   * @throws Error when the bytes are not PostgreSQL's protocol; what the handler throws passes through.
   */
  push(chunk: Buffer): void {
    let at = this.#keptBytes > 0 ? this.#complete(chunk) : 0;
    while (chunk.length - at >= HEADER_BYTES) {
      const end = at + sizeAt(chunk, at);
      if (end > chunk.length) break;
      this.#take(chunk, at, end);
      at = end;
    }
    const left = chunk.length - at;
    if (left === 0) return;
    this.#kept = Buffer.allocUnsafe(left < HEADER_BYTES ? HEADER_BYTES : sizeAt(chunk, at));
    this.#keep(chunk, at);
  }

  /** Adds what the kept beginning lacks, and no more: a large message is put together once. @returns where that ends */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#kept.length === HEADER_BYTES) {
      at = this.#keep(chunk, 0);
      if (this.#keptBytes < HEADER_BYTES) return at;
      const head = this.#kept;
      this.#kept = Buffer.allocUnsafe(sizeAt(head, 0));
      head.copy(this.#kept);
    }
    at = this.#keep(chunk, at);
    if (this.#keptBytes === this.#kept.length) {
      const whole = this.#kept;
      this.#kept = NOTHING;
      this.#keptBytes = 0;
      this.#take(whole, 0, whole.length);
    }
    return at;
  }

  /** Copies bytes of the chunk, which will be reused, until the kept message is complete. @returns where it stopped */
  #keep(chunk: Buffer, from: number): number {
    const copied = chunk.copy(this.#kept, this.#keptBytes, from);
    this.#keptBytes += copied;
    return from + copied;
  }

  #take(buffer: Buffer, start: number, end: number): void {
    if (byteAt(buffer, start) !== COPY_DATA) {
      this.#handler.other(buffer.subarray(start, end));
      return;
    }
    const payload = start + HEADER_BYTES;
    const kind = end > payload ? byteAt(buffer, payload) : 0;
    if (kind === XLOG_DATA && end - payload >= XLOG_HEADER_BYTES) {
      this.#received(buffer, payload + 1);
      this.#handler.message(buffer, payload + XLOG_HEADER_BYTES, end);
    } else if (kind === KEEPALIVE && end - payload >= KEEPALIVE_BYTES) {
      this.#received(buffer, payload + 1);
      this.#handler.keepalive(this.receivedLsn, byteAt(buffer, payload + KEEPALIVE_REPLY_AT) !== 0);
    } else {
      throw new Error(`the server sent a frame of unknown kind 0x${kind.toString(16)}`);
    }
  }

  #received(buffer: Buffer, at: number): void {
    this.#receivedHigh = uint32At(buffer, at);
    this.#receivedLow = uint32At(buffer, at + 4);
  }
}

/** Size of the message at `at`, header included. */
function sizeAt(buffer: Buffer, at: number): number {
  const length = uint32At(buffer, at + 1);
  if (length < 4 || length > MAX_LENGTH) throw new Error(`the server sent a message of ${length} bytes`);
  return length + 1;
}
