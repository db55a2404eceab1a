// Ports of the embedded servers, on loopback only. A configured port is checked before its server starts, because the
// servers' own error messages name neither the setting nor a solution.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { WalflowError } from '../../workflows/model/errors.ts';

export const LOOPBACK = '127.0.0.1';

/** Below the range for outgoing connections (Linux from 32768, others from 49152), so that none of those takes one. */
const FREE_FROM = 20_000;
const FREE_TO = 30_000;
const MAX_TRIES = 200;

/** @throws WalflowError PORT_TAKEN, naming the setting that changes the port. */
export async function requireFreePort(port: number, setting: string): Promise<void> {
  const server = await listen(port);
  if (server === null) {
    throw new WalflowError('PORT_TAKEN', `port ${port} on ${LOOPBACK} is taken by another program`, {
      hint: `stop that program, or set ${setting} to a free port`,
    });
  }
  await close(server);
}

/** `count` different free ports; all are held until the last one is found. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  try {
    for (let tries = 0; held.size < count; tries++) {
      if (tries > MAX_TRIES) throw new WalflowError('PORT_TAKEN', `no ${count} free ports on ${LOOPBACK}`);
      const port = FREE_FROM + Math.floor(Math.random() * (FREE_TO - FREE_FROM));
      const server = held.has(port) ? null : await listen(port);
      if (server !== null) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map(close));
  }
}

async function listen(port: number): Promise<Server | null> {
  const server = createServer();
  server.listen({ port, host: LOOPBACK, exclusive: true });
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return null;
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
