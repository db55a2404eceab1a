// The socket of a replication connection reads into one buffer, again and again. Node otherwise gives each read a buffer of
// its own, and at full speed the garbage collector marks the whole heap once a second only to give them back.

import { Socket } from 'node:net';

/**
 * More than a busy walsender puts into the socket while a chunk is decoded. Each read tells it to send on: one read for all
 * of it lets its rows be joined to a few large packets, many small reads make a packet of nearly each.
 */
const READ_BYTES = 2 * 1024 * 1024;

export class ReplicationSocket extends Socket {
  #chunksAreReused = false;

  constructor() {
    super({
      onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: (bytes, memory) => this.#read(bytes, memory) },
    });
  }

  /** From here on a chunk of the event `data` is valid only until its listeners return. */
  reuseChunks(): void {
    this.#chunksAreReused = true;
  }

  #read(bytes: number, memory: Uint8Array): boolean {
    const chunk = Buffer.from(memory.buffer, memory.byteOffset, bytes);
    // pg's own reader keeps the beginning of a message that is not complete.
    this.emit('data', this.#chunksAreReused ? chunk : Buffer.from(chunk));
    return true;
  }
}
