import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { connect } from '../../../activities/wal/postgres/connection.ts';
import { openBulkSocket } from '../../../activities/wal/postgres/socket.ts';

const servers: ReturnType<typeof createServer>[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that sends these bytes to whoever connects and says something. */
async function serverOf(bytes: Buffer): Promise<number> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(bytes));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

it('what a listener throws ends its connection with that error, and not the process', async () => {
  const socket = openBulkSocket().connect(await serverOf(Buffer.from('hello')), '127.0.0.1');
  const own = new RangeError('Cannot create a string longer than 0x1fffffe8 characters');
  socket.on('data', () => {
    throw own;
  });
  socket.write('?');
  const [failure] = await once(socket, 'error');
  expect(failure).toBe(own);
  expect(socket.destroyed).toBe(true);
});

it.each([
  ['an answer of another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['a row of more columns than it has bytes', Buffer.from([0x44, 0, 0, 0, 8, 0x7f, 0xff, 0, 0])],
])(
  '%s is a connection that failed',
  async (_, bytes) => {
    const port = await serverOf(bytes);
    const failure = await connect(`postgres://u:p@127.0.0.1:${port}/d?sslmode=disable`, 'walflow test').catch(
      (error) => error,
    );
    expect(failure).toMatchObject({ name: 'WalflowError' });
  },
  15_000,
);
