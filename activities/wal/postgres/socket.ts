// The socket of a connection to the source reads into one buffer, over and over. Otherwise Node gives each read a buffer of
// its own, and at full speed the garbage collector marks the whole heap once a second just to free them.

import { Socket } from 'node:net';
import { guarded } from './guard.ts';

/**
 * More than a busy walsender sends while a chunk is decoded. Each read makes room for it to send again: one large read
 * lets rows be joined into a few large packets, while many small reads make nearly every row a packet.
 */
const READ_BYTES = 2 * 1024 * 1024;

export class BulkSocket extends Socket {
  #chunksAreReused = false;

  constructor() {
    super({
      onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: (bytes, memory) => this.#read(bytes, memory) },
    });
  }

  /** From now on, or no longer, a chunk of the event `data` is valid only until its listeners return. */
  reuseChunks(reuse: boolean): void {
    this.#chunksAreReused = reuse;
  }

  #read(bytes: number, memory: Uint8Array): boolean {
    const chunk = Buffer.from(memory.buffer, memory.byteOffset, bytes);
    // Until then pg's own reader gets a copy, because it keeps the beginning of an incomplete message.
    this.emit('data', this.#chunksAreReused ? chunk : Buffer.from(chunk));
    return true;
  }
}

/** A socket for the driver. TLS reads from the socket below it in its own way. */
export const openBulkSocket = ({ ssl }: { readonly ssl?: unknown } = {}) =>
  guarded(ssl ? new Socket() : new BulkSocket());
