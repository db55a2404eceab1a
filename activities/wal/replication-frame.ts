// The content of a frame of the replication stream: a message of the output plugin (XLogData), or a keepalive.
// https://www.postgresql.org/docs/current/protocol-replication.html

import type { Lsn } from '../../workflows/model/lsn.ts';
import { byteAt, uint32At } from './byte-reader.ts';

export interface ReplicationHandler {
  /** One message of the output plugin, at `buffer[start, end)`; valid until the call returns. */
  message(buffer: Buffer, start: number, end: number): void;
  /** Everything before `walEnd` was sent. */
  keepalive(walEnd: Lsn, replyRequested: boolean): void;
}

const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
/** XLogData: kind, start, end of WAL, time. */
export const XLOG_HEADER_BYTES = 25;
/** Keepalive: kind, end of WAL, time, reply requested. */
const KEEPALIVE_REPLY_AT = 17;
const KEEPALIVE_BYTES = 18;

export class ReplicationFrames {
  readonly #handler: ReplicationHandler;
  #receivedHigh = 0;
  #receivedLow = 0;

  constructor(handler: ReplicationHandler) {
    this.#handler = handler;
  }

  /** Position of the last message or keepalive. */
  get receivedLsn(): Lsn {
    return (BigInt(this.#receivedHigh) << 32n) | BigInt(this.#receivedLow);
  }

  /**
   * Takes the content of one frame, at `buffer[start, end)`.
   * @throws Error for a frame of another kind; what the handler throws passes through.
   */
  take(buffer: Buffer, start: number, end: number): void {
    const kind = end > start ? byteAt(buffer, start) : 0;
    if (kind === XLOG_DATA && end - start >= XLOG_HEADER_BYTES) {
      this.#received(buffer, start + 1);
      this.#handler.message(buffer, start + XLOG_HEADER_BYTES, end);
    } else if (kind === KEEPALIVE && end - start >= KEEPALIVE_BYTES) {
      this.#received(buffer, start + 1);
      this.#handler.keepalive(this.receivedLsn, byteAt(buffer, start + KEEPALIVE_REPLY_AT) !== 0);
    } else {
      throw new Error(`the server sent a frame of unknown kind 0x${kind.toString(16)}`);
    }
  }

  #received(buffer: Buffer, at: number): void {
    this.#receivedHigh = uint32At(buffer, at);
    this.#receivedLow = uint32At(buffer, at + 4);
  }
}
