import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startTcpProxy } from './tcp-proxy.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function throughProxy() {
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  closers.push(
    () => proxy.close(),
    () => server.close(),
  );
  const connect = async (): Promise<Socket> => {
    const client = createConnection({ port: proxy.port, host: '127.0.0.1' });
    client.on('error', () => undefined);
    closers.push(() => client.destroy());
    await new Promise((resolve) => client.once('connect', resolve).once('close', resolve));
    return client;
  };
  return { proxy, connect };
}

test('the proxy passes bytes both ways, in order, while the delay changes', async () => {
  const { proxy, connect } = await throughProxy();
  const client = await connect();
  let echoed = '';
  client.on('data', (chunk) => {
    echoed += chunk;
  });
  for (let i = 0; i < 20; i++) {
    proxy.delay(i % 2 === 0 ? 20 : 0);
    client.write(`${i} `);
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.end();
  await once(client, 'end');
  expect(echoed).toBe(`${Array.from({ length: 20 }, (_, i) => i).join(' ')} `);
});

test('a dropped answer never comes, and a cut resets the connection', async () => {
  const { proxy, connect } = await throughProxy();
  const client = await connect();
  proxy.drop('toClient');
  client.write('lost');
  const closed = new Promise((resolve) => client.once('close', resolve));
  const first = await Promise.race([
    once(client, 'data').then(() => 'data'),
    new Promise((r) => setTimeout(r, 100, 'nothing')),
  ]);
  expect(first).toBe('nothing');
  proxy.cut();
  await closed;
  await expect.poll(() => proxy.connections).toBe(0);
});

test('a refusing proxy takes connections again once healed', async () => {
  const { proxy, connect } = await throughProxy();
  proxy.refuse();
  const refused = await connect();
  await expect.poll(() => refused.closed).toBe(true);
  proxy.heal();
  const client = await connect();
  client.write('hello');
  const [data] = await once(client, 'data');
  expect(String(data)).toBe('hello');
});
