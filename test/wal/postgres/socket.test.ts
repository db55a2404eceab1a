import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BulkSocket } from '../../../activities/wal/postgres/socket.ts';

let server: Server;
let far: Socket;
let socket: BulkSocket;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  socket = new BulkSocket();
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  [far] = (await accepted) as [Socket];
});

afterEach(() => {
  socket.destroy();
  far.destroy();
  server.close();
});

async function sent(text: string): Promise<Buffer> {
  const arrived = once(socket, 'data');
  far.write(text);
  const [chunk] = (await arrived) as [Buffer];
  expect(chunk.toString()).toBe(text);
  return chunk;
}

it('hands over chunks that may be kept, until it is told that they need not be', async () => {
  const kept = await sent('before');
  await sent('second');
  expect(kept.toString()).toBe('before');
  socket.reuseChunks(true);
  const passing = await sent('after');
  await sent('again');
  expect(passing.toString()).toBe('again');
  socket.reuseChunks(false);
  const keptAgain = await sent('later');
  await sent('other');
  expect(keptAgain.toString()).toBe('later');
});

it('delivers nothing while it is paused', async () => {
  await sent('one');
  const chunks: string[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  socket.pause();
  far.write('two');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(chunks).toEqual([]);
  const arrived = once(socket, 'data');
  socket.resume();
  await arrived;
  expect(chunks).toEqual(['two']);
});

it('ends and closes when the other side does', async () => {
  await sent('last');
  const over = Promise.all([once(socket, 'end'), once(socket, 'close')]);
  far.end();
  await over;
});
