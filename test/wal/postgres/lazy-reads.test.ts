import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LazyReads } from '../../../activities/wal/postgres/lazy-reads.ts';

const REST_MS = 8;

class FakeSocket extends EventEmitter {
  isPaused = false;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  destroy(failure: Error): void {
    this.emit('error', failure);
  }
}

let socket: FakeSocket;
let reads: LazyReads;

beforeEach(() => {
  vi.useFakeTimers();
  socket = new FakeSocket();
  reads = new LazyReads(socket, REST_MS);
});

afterEach(() => {
  vi.useRealTimers();
});

/** How long the socket rests after a turn of the event loop that brought so much, in pieces as TLS would. */
function restAfter(kib: number): number {
  for (let left = kib; left > 0; left -= 16) socket.emit('data', Buffer.alloc(Math.min(16, left) * 1024));
  vi.advanceTimersByTime(0);
  let ms = 0;
  for (; socket.isPaused; ms++) vi.advanceTimersByTime(1);
  return ms;
}

it.each([
  ['little, where latency counts', 1, 1],
  ['some', 16, REST_MS],
  ['as much as a small socket holds: no longer than as much again takes', 64, 4],
  ['more, because the socket is larger', 256, 16],
  ['very much, and no longer than that', 480, 20],
  ['so much that the server has more in hand: not at all', 512, 0],
])('rests after a turn that brought %s', (_, kib, ms) => {
  expect(restAfter(kib)).toBe(ms);
});

it('stays held over the end of a rest, and reads on only when released', () => {
  socket.emit('data', Buffer.alloc(16 * 1024));
  vi.advanceTimersByTime(0);
  reads.hold();
  vi.advanceTimersByTime(100);
  expect([socket.isPaused, reads.held]).toEqual([true, true]);
  reads.release();
  expect([socket.isPaused, reads.held]).toEqual([false, false]);
});

it('rests to the end when it is released meanwhile', () => {
  socket.emit('data', Buffer.alloc(16 * 1024));
  vi.advanceTimersByTime(0);
  reads.hold();
  reads.release();
  expect(socket.isPaused).toBe(true);
  vi.advanceTimersByTime(REST_MS);
  expect(socket.isPaused).toBe(false);
});

it('leaves a closed socket alone', () => {
  socket.emit('data', Buffer.alloc(16 * 1024));
  reads.close();
  vi.advanceTimersByTime(100);
  expect(socket.isPaused).toBe(false);
});

it('reads eagerly when told so', () => {
  const eager = new FakeSocket();
  new LazyReads(eager, 0);
  eager.emit('data', Buffer.alloc(16 * 1024));
  vi.advanceTimersByTime(100);
  expect(eager.isPaused).toBe(false);
});
