// A listening server: refuses an unsafe address, names the setting of a port that is taken, and closes without delay.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { ignored, safely } from '../../workflows/model/callback.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { assertBindAllowed, type HttpGuard } from './guard.ts';

export interface ListenOptions {
  readonly guard: HttpGuard;
  /** 0 = any free one. */
  readonly port: number;
  /** The setting to name when the port is taken. */
  readonly portSetting: 'WALFLOW_HTTP_PORT' | 'WALFLOW_INGEST_HTTP_PORT';
}

export interface RunningServer {
  /** `http://127.0.0.1:4400`, as this machine reaches it. */
  readonly url: string;
  readonly port: number;
  /** Gives running requests a short time to end, then closes their connections. */
  close(): Promise<void>;
}

/** Part of the 10 s that an operator waits after Ctrl-C. */
const CLOSE_GRACE_MS = 2_000;
const CLOSE_SWEEP_MS = 20;
/** An honest client sends its headers at once. */
const HEADERS_TIMEOUT_MS = 10_000;

/** @throws WalflowError HTTP_BIND_REFUSED, PORT_TAKEN, SETTING_INVALID (an address this machine does not have) */
export async function listen(app: Hono, options: ListenOptions): Promise<RunningServer> {
  const { guard } = options;
  assertBindAllowed(guard);
  const server = createAdaptorServer({ fetch: app.fetch, createServer }) as Server;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  const everywhere = guard.bindHost === '0.0.0.0' || guard.bindHost === '::';
  const host = everywhere ? '127.0.0.1' : guard.bindHost;
  return { port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, close: () => closed(server) };
}

async function listening(server: Server, { guard, port, portSetting }: ListenOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // It stays: a server also meets errors later, such as too many open files, and without a listener they end the process.
    server.on('error', (cause: NodeJS.ErrnoException) =>
      reject(listenFailure(cause, guard.bindHost, port, portSetting)),
    );
    server.listen(port, guard.bindHost, resolve);
  });
}

function listenFailure(cause: NodeJS.ErrnoException, host: string, port: number, setting: string): WalflowError {
  if (cause.code === 'EADDRINUSE') {
    const hint = `stop the program that uses it, or set ${setting} to a free port`;
    return new WalflowError('PORT_TAKEN', `port ${port} on ${host} is taken`, { cause, hint });
  }
  if (cause.code === 'EACCES') {
    const hint = `set ${setting} to a port above 1023`;
    return new WalflowError('PORT_TAKEN', `this user may not listen on port ${port}`, { cause, hint });
  }
  return new WalflowError('SETTING_INVALID', `WALFLOW_HTTP_HOST: cannot listen on ${host} (${cause.code})`, { cause });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A keep-alive connection becomes idle when its request ends, and would keep the server open.
    const sweep = setInterval(
      safely(() => server.closeIdleConnections(), ignored),
      CLOSE_SWEEP_MS,
    );
    const hangUp = setTimeout(
      safely(() => server.closeAllConnections(), ignored),
      CLOSE_GRACE_MS,
    );
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(hangUp);
      resolve();
    });
  });
}
