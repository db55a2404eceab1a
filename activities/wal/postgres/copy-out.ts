// Runs COPY … TO STDOUT and reads its rows from the driver's socket as they arrive: the driver would make a string of every
// value, and hold the whole answer to a FETCH in memory. The consumer of rows can hold the server, and can stop.

import type { Socket } from 'node:net';
import type pg from 'pg';
import { FrameCutter } from '../frames.ts';
import { LazyReads } from './lazy-reads.ts';
import { BulkSocket } from './socket.ts';

/** Takes the rows, one frame each. */
export interface CopySink {
  /**
   * Takes the row at `buffer[start, end)`, which is valid, and may be changed, until the call returns. A promise holds the
   * server until it resolves. 'stop' ends the COPY and with it the connection, and so does what it throws.
   */
  row(buffer: Buffer, start: number, end: number): Promise<void> | 'stop' | undefined;
  /** The next piece of a row that is larger than `maxRowBytes`. */
  largePiece(buffer: Buffer, start: number, end: number): void;
  /** Called at the end of such a row. @returns the error to throw */
  tooLarge(): Error;
  readonly maxRowBytes: number;
}

/** pg does not declare its connection. */
export interface DriverConnection {
  readonly stream: Socket;
}

type SocketReader = (chunk: Buffer) => void;

class Stopped extends Error {}

/** The server sends 8 kB at a time, and each send that finds us waiting costs both sides a wake-up. */
const REST_MS = 2;

/**
 * Runs a COPY. Called between two statements, so the next byte begins a message.
 * @returns whether the sink stopped it, which closes the connection.
 */
export async function copyOut(client: pg.Client, text: string, sink: CopySink): Promise<'ended' | 'stopped'> {
  const { stream: socket } = (client as unknown as { readonly connection: DriverConnection }).connection;
  const readers = socket.listeners('data') as SocketReader[];
  const reads = new LazyReads(socket, REST_MS);
  const holding = new Set<Promise<void>>();
  const hold = (held: Promise<void>) => {
    holding.add(held);
    reads.hold();
    held.then(
      () => {
        holding.delete(held);
        if (holding.size === 0) reads.release();
      },
      (failure: Error) => socket.destroy(failure),
    );
  };
  const cutter = new FrameCutter(
    {
      frame: (buffer, start, end) => {
        const outcome = sink.row(buffer, start, end);
        if (outcome === 'stop') throw new Stopped();
        if (outcome !== undefined) hold(outcome);
      },
      piece: (buffer, start, end) => sink.largePiece(buffer, start, end),
      endOfLarge: () => {
        throw sink.tooLarge();
      },
      // A copy, because the driver keeps what it reads.
      other: (bytes) => pass(readers, Buffer.from(bytes)),
    },
    sink.maxRowBytes,
  );
  const read = (chunk: Buffer) => cutter.push(chunk);
  if (socket instanceof BulkSocket) socket.reuseChunks(true);
  socket.on('data', read);
  for (const reader of readers) socket.removeListener('data', reader);
  try {
    await client.query(text);
    await Promise.all(holding);
    return 'ended';
  } catch (failure) {
    if (failure instanceof Stopped) return 'stopped';
    throw failure;
  } finally {
    socket.removeListener('data', read);
    for (const reader of readers) socket.on('data', reader);
    if (socket instanceof BulkSocket) socket.reuseChunks(false);
    reads.close();
    // It may have been resting.
    socket.resume();
  }
}

function pass(readers: readonly SocketReader[], bytes: Buffer): void {
  for (const reader of readers) reader(bytes);
}
