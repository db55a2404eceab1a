// An embedded Temporal server: `temporal server start-dev`, with its state in one SQLite file and, where a port is given,
// its Web UI. The start also registers walflow's search attributes.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { attributeType, SEARCH_ATTRIBUTES } from '../../workflows/model/names.ts';
import type { ChildSpec } from './child.ts';
import { LOOPBACK } from './port.ts';

export interface TemporalOptions {
  /** The `temporal` program. */
  readonly program: string;
  readonly folder: string;
  readonly port: number;
  /** Null = no Web UI. */
  readonly uiPort: number | null;
  readonly logFile: string;
}

const NAMESPACE = 'default';
const READY_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT = '2s';

/** `host:port` of the server's gRPC front end. */
export function temporalAddress({ port }: Pick<TemporalOptions, 'port'>): string {
  return `${LOOPBACK}:${port}`;
}

/** Creates the server's folder. Returns how to start it. */
export async function prepareTemporal(options: TemporalOptions): Promise<ChildSpec> {
  await mkdir(options.folder, { recursive: true });
  const ui =
    options.uiPort === null
      ? ['--headless']
      : ['--ui-ip', LOOPBACK, '--ui-port', String(options.uiPort), '--ui-disable-news-fetch'];
  return {
    name: 'temporal',
    command: options.program,
    args: [
      'server',
      'start-dev',
      '--ip',
      LOOPBACK,
      '--port',
      String(options.port),
      '--db-filename',
      join(options.folder, 'temporal.db'),
      '--log-level',
      'warn',
      ...Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=${attributeType(name)}`]),
      ...ui,
    ],
    env: { PATH: process.env.PATH, HOME: options.folder },
    cwd: options.folder,
    logFile: options.logFile,
    ready: () => answers(temporalAddress(options)),
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopSignals: ['SIGTERM'],
  };
}

/** The port opens before the namespace can be used; a worker that starts in between would fail. */
async function answers(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: CONNECT_TIMEOUT });
  try {
    await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    return true;
  } finally {
    await connection.close();
  }
}
