// A TCP proxy that makes a network bad on purpose: slow, silent, or cut. Bytes pass unchanged and in order.

import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

type Direction = 'toServer' | 'toClient';

export interface TcpProxy {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Connections open now. */
  readonly connections: number;
  /** Every chunk waits this long before it goes on; one direction, or both. */
  delay(ms: number, direction?: Direction): void;
  /** Bytes in that direction are read and thrown away: a request is stored, its answer never comes. */
  drop(direction: Direction): void;
  /** Cuts every open connection by a reset; new ones are taken. */
  cut(): void;
  /** Cuts, and refuses new connections until `heal`. */
  refuse(): void;
  /** No delay, nothing dropped, nothing refused. */
  heal(): void;
  close(): Promise<void>;
}

const MAX_WAITING_BYTES = 4 * 1024 * 1024;

interface Faults {
  readonly delayMs: Record<Direction, number>;
  readonly dropped: Set<Direction>;
  refusing: boolean;
}

/** Starts a proxy on a free loopback port in front of `target`. */
export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const faults: Faults = { delayMs: { toServer: 0, toClient: 0 }, dropped: new Set(), refusing: false };
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (faults.refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = createConnection({ ...target, allowHalfOpen: true });
    couple(client, upstream, open);
    forward(client, upstream, 'toServer', faults);
    forward(upstream, client, 'toClient', faults);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    port,
    address: `127.0.0.1:${port}`,
    get connections() {
      return open.size / 2;
    },
    delay: (ms, direction) => {
      if (direction !== 'toClient') faults.delayMs.toServer = ms;
      if (direction !== 'toServer') faults.delayMs.toClient = ms;
    },
    drop: (direction) => void faults.dropped.add(direction),
    cut,
    refuse: () => {
      faults.refusing = true;
      cut();
    },
    heal: () => {
      faults.delayMs.toServer = 0;
      faults.delayMs.toClient = 0;
      faults.dropped.clear();
      faults.refusing = false;
    },
    close: async () => {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}

/** A reset of one end resets the other; an orderly end follows the bytes before it. */
function couple(client: Socket, upstream: Socket, open: Set<Socket>): void {
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    socket.setNoDelay(true);
    open.add(socket);
    socket.on('error', () => other.resetAndDestroy());
    socket.on('close', () => open.delete(socket));
  }
}

/** Each chunk is due a fixed time after it came, so a delay costs time and no throughput. */
function forward(from: Socket, to: Socket, direction: Direction, faults: Faults): void {
  let last = Promise.resolve();
  let waitingBytes = 0;
  const inOrder = (act: () => void) => {
    const dueMs = performance.now() + faults.delayMs[direction];
    last = last.then(async () => {
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      if (!to.destroyed) act();
    });
  };
  from.on('data', (chunk) => {
    if (faults.dropped.has(direction)) return;
    waitingBytes += chunk.length;
    if (waitingBytes > MAX_WAITING_BYTES) from.pause();
    inOrder(() => {
      to.write(chunk, () => {
        waitingBytes -= chunk.length;
        if (waitingBytes <= MAX_WAITING_BYTES) from.resume();
      });
    });
  });
  from.on('end', () => inOrder(() => to.end()));
}
