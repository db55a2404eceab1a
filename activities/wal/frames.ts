// Between stations 1 and 2 on a row's way: cuts the bytes of a connection into frames (CopyData), in place. A client that
// makes an object, two slices and a string for every row spends more on that than on decoding. Memory is bounded: a frame
// that is too large to hold is passed on in pieces as it arrives.
// https://www.postgresql.org/docs/current/protocol-message-formats.html (CopyData)

import { byteAt, uint32At } from './byte-reader.ts';

export interface FrameHandler {
  /** The content of one frame, at `buffer[start, end)`; valid until the call returns. */
  frame(buffer: Buffer, start: number, end: number): void;
  /** The next piece of a frame that is too large; valid until the call returns. */
  piece(buffer: Buffer, start: number, end: number): void;
  /** The last piece was the end of the large frame. */
  endOfLarge(): void;
  /** A whole protocol message other than a frame; valid until the call returns. */
  other(bytes: Buffer): void;
}

/** One byte of type, four of length (which counts itself), then the content. */
const HEADER_BYTES = 5;
const COPY_DATA = 0x64;
/** A server never builds a larger message (MaxAllocSize). */
const MAX_LENGTH = 0x3fff_ffff;
const NOTHING = Buffer.alloc(0);

export class FrameCutter {
  readonly #handler: FrameHandler;
  /** Size of the largest message that is held, header included. */
  readonly #maxBytes: number;
  /** Room for the message that has not arrived completely, or for its header while even that is incomplete. */
  #kept: Buffer = NOTHING;
  #keptBytes = 0;
  /** Bytes of a large frame that are still to come. */
  #largeBytes = 0;

  /** @param maxFrameBytes size of the largest frame that is held, without its header */
  constructor(handler: FrameHandler, maxFrameBytes: number) {
    this.#handler = handler;
    this.#maxBytes = maxFrameBytes + HEADER_BYTES;
  }

  /**
   * Takes the next bytes of the connection; the first call must begin with a message. The chunk may be reused afterwards.
   * @throws Error when the bytes are not PostgreSQL's protocol; what the handler throws passes through.
   */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.#largeBytes > 0) at = this.#passOn(chunk, 0);
    else if (this.#keptBytes > 0) at = this.#complete(chunk);
    while (chunk.length - at >= HEADER_BYTES) {
      const end = at + sizeAt(chunk, at);
      if (end - at > this.#maxBytes && byteAt(chunk, at) === COPY_DATA) {
        this.#largeBytes = end - at - HEADER_BYTES;
        at = this.#passOn(chunk, at + HEADER_BYTES);
        continue;
      }
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
      const size = sizeAt(head, 0);
      if (size > this.#maxBytes && byteAt(head, 0) === COPY_DATA) {
        this.#forget();
        this.#largeBytes = size - HEADER_BYTES;
        return this.#passOn(chunk, at);
      }
      this.#kept = Buffer.allocUnsafe(size);
      head.copy(this.#kept);
    }
    at = this.#keep(chunk, at);
    if (this.#keptBytes === this.#kept.length) {
      const whole = this.#kept;
      this.#forget();
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

  #forget(): void {
    this.#kept = NOTHING;
    this.#keptBytes = 0;
  }

  /** Passes on the next piece of a large frame. @returns where the frame, or the chunk, ends */
  #passOn(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#largeBytes);
    this.#largeBytes -= end - from;
    if (end > from) this.#handler.piece(chunk, from, end);
    if (this.#largeBytes === 0) this.#handler.endOfLarge();
    return end;
  }

  #take(buffer: Buffer, start: number, end: number): void {
    if (byteAt(buffer, start) === COPY_DATA) this.#handler.frame(buffer, start + HEADER_BYTES, end);
    else this.#handler.other(buffer.subarray(start, end));
  }
}

/** Size of the message at `at`, header included. */
function sizeAt(buffer: Buffer, at: number): number {
  const length = uint32At(buffer, at + 1);
  if (length < 4 || length > MAX_LENGTH) throw new Error(`the server sent a message of ${length} bytes`);
  return length + 1;
}
