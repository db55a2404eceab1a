// A whole pipeline for a fault test: a database of its own, a namespace of its own, a proxied lake, and real worker
// processes of the command line that can be killed, frozen and started again.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { expect, inject, vi } from 'vitest';
import { freePorts } from '../../workers/embedded/port.ts';
import { ingestWorkflowId } from '../../workflows/model/names.ts';
import type { IngestStatus } from '../../workflows/model/run.ts';
import { withClient } from './database.ts';
import { type S3Proxy, startS3Proxy } from './s3-proxy.ts';
import { registerNamespace } from './temporal-namespace.ts';
import { freshKeyPrefix, freshPipelineName, freshTaskQueue } from './unique.ts';

const BIN = fileURLToPath(new URL('../../workers/cli/bin.js', import.meta.url));
/** Short, so that a killed worker is replaced within a test's patience. */
const HEARTBEAT_TIMEOUT_SECONDS = 5;
const PATIENCE_MS = 120_000;

export type Role = 'ingest' | 'warehouse';

export interface Rig {
  readonly pipeline: string;
  readonly namespace: string;
  readonly temporalAddress: string;
  readonly prefix: string;
  readonly url: string;
  readonly httpPort: number;
  readonly s3: S3Proxy;
  /** Writes the configuration again with something else in it; workers started from now on read it. */
  configure(changes: Pick<RigOptions, 'assets' | 'schedules' | 'lake'>): void;
  /** @param launcher a program, with its arguments, that becomes the worker */
  start(role: Role, launcher?: readonly string[]): WorkerProcess;
  /** Runs one command of the command line on this project, to its end. */
  run(...args: readonly string[]): Promise<CommandResult>;
  /** Waits until everything committed so far is merged and every table is live. */
  caughtUp(): Promise<void>;
  /** GET of the API, parsed. */
  get(path: string): Promise<unknown>;
  /** To `ingest/<pipeline>`. */
  signal(name: 'pause' | 'resume' | 'resyncTable', ...args: readonly string[]): Promise<void>;
  /** As `ingest/<pipeline>` answers it. */
  status(): Promise<IngestStatus>;
  query(sql: string): Promise<string[][]>;
  close(): Promise<void>;
}

/** How a command ended, and what the person at the terminal saw. */
export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

export interface WorkerProcess {
  readonly pid: number;
  readonly output: () => string;
  readonly alive: boolean;
  /** Exit code, once it ended by itself or was told to. */
  readonly exited: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and gone. */
  kill(): Promise<void>;
  /** SIGTERM, drained. */
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly url: string;
  readonly folder: string;
  readonly tables: readonly string[];
  /** Default: the server of the run. */
  readonly temporalAddress?: string;
  /** Default: the bucket of the run. */
  readonly bucket?: string;
  /** Over the environment of every worker and command. */
  readonly env?: NodeJS.ProcessEnv;
  /** Path of the warehouse file, from the folder; default `<pipeline>.duckdb`. */
  readonly warehouse?: string;
  /** More fields of the source, as the configuration file writes them. */
  readonly source?: string;
  /** More fields of the lake, as the configuration file writes them. */
  readonly lake?: string;
  /** More fields of the pipeline, as the configuration file writes them. */
  readonly pipeline?: string;
  /** Text of the configuration's `assets`, for a pipeline's name. */
  readonly assets?: (pipeline: string) => string;
  /** Text of the configuration's `schedules`. */
  readonly schedules?: string;
}

/** Prepares everything but starts nothing. */
export async function createRig(options: RigOptions): Promise<Rig> {
  const { s3: access, temporalAddress: shared } = inject('servers');
  const temporalAddress = options.temporalAddress ?? shared;
  const pipeline = freshPipelineName();
  const namespace = freshTaskQueue();
  const prefix = freshKeyPrefix();
  const s3 = await startS3Proxy(access.endpoint);
  const [httpPort = 0] = await freePorts(1);
  await registerNamespace(temporalAddress, namespace);
  const config = join(options.folder, `${pipeline}.config.ts`);
  const at = { pipeline, lake: `s3://${options.bucket ?? access.bucket}/${prefix}`, endpoint: s3.endpoint };
  const configure = (changes: Pick<RigOptions, 'assets' | 'schedules' | 'lake'>) =>
    writeFileSync(config, configText({ ...options, ...changes }, at));
  configure({});
  const home = join(options.folder, pipeline);
  mkdirSync(home, { recursive: true });
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: access.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
    AWS_REGION: access.region,
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_NAMESPACE: namespace,
    WALFLOW_HOME: home,
    WALFLOW_HTTP_PORT: String(httpPort),
    // Several ingest workers live side by side.
    WALFLOW_INGEST_HTTP_PORT: '0',
    WALFLOW_LOG_FORMAT: 'json',
    ...options.env,
  };
  const started: WorkerProcess[] = [];
  const base = `http://127.0.0.1:${httpPort}`;
  return {
    ...{ pipeline, namespace, temporalAddress, prefix, httpPort, s3, url: options.url, configure },
    start: (role, launcher = []) => {
      const worker = spawnWorker(
        ['--config', config, 'worker', '--role', role, '--heartbeat-timeout', String(HEARTBEAT_TIMEOUT_SECONDS)],
        env,
        options.folder,
        launcher,
      );
      started.push(worker);
      return worker;
    },
    run: async (...args) => {
      const command = spawnWorker(['--config', config, ...args], env, options.folder);
      return { code: await command.exited, output: command.output() };
    },
    caughtUp: () => caughtUp(base, pipeline, options.url),
    query: (sql) => query(base, sql),
    get: async (path) => await (await fetch(`${base}${path}`)).json(),
    signal: (name, ...args) =>
      withTemporal(temporalAddress, namespace, (client) =>
        client.workflow.getHandle(ingestWorkflowId(pipeline)).signal(name, ...args),
      ),
    status: () =>
      withTemporal(temporalAddress, namespace, (client) =>
        client.workflow.getHandle(ingestWorkflowId(pipeline)).query<IngestStatus>('status'),
      ),
    close: async () => {
      for (const worker of started) if (worker.alive) worker.signal('SIGCONT');
      await Promise.all(started.map((worker) => worker.kill()));
      await s3.close();
      await dropSlot(options.url, pipeline);
    },
  };
}

function configText(
  options: RigOptions,
  at: { readonly pipeline: string; readonly lake: string; readonly endpoint: string },
): string {
  return `
import { asset, daily, defineConfig, dep, duckdb, eager, schedule } from 'walflow';
export default defineConfig({
  name: '${at.pipeline}',
  warehouses: { main: duckdb({ path: './${options.warehouse ?? `${at.pipeline}.duckdb`}' }) },
  pipelines: {
    ${at.pipeline}: {
      source: { url: ${JSON.stringify(options.url)}, tables: ${JSON.stringify(options.tables)}, ${options.source ?? ''} },
      lake: { url: '${at.lake}', endpoint: '${at.endpoint}', region: 'us-east-1', ${options.lake ?? ''} },
      ${options.pipeline ?? ''}
    },
  },
  assets: [${options.assets?.(at.pipeline) ?? ''}],
  schedules: [${options.schedules ?? ''}],
});
`;
}

function spawnWorker(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  launcher: readonly string[] = [],
): WorkerProcess {
  const [program = process.execPath, ...more] = [...launcher, process.execPath, BIN, ...args];
  const child: ChildProcess = spawn(program, more, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output += chunk;
  });
  // The last words come before the close, not before the exit.
  const gone = once(child, 'close');
  const alive = () => child.exitCode === null && child.signalCode === null;
  const end = async (name: NodeJS.Signals) => {
    if (!alive()) return;
    child.kill(name);
    await gone;
  };
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited: gone.then(() => child.exitCode),
    get alive() {
      return alive();
    },
    signal: (name) => void child.kill(name),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

async function caughtUp(base: string, pipeline: string, url: string): Promise<void> {
  const lsn = await withClient(url, async (client) => {
    const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    return rows[0]?.lsn ?? '';
  });
  const wait = `/api/wait?pipeline=${pipeline}&lsn=${encodeURIComponent(lsn)}&timeoutMs=5000`;
  await until(`the pipeline did not reach ${lsn}`, base, wait, (answer) => (answer as { reached?: boolean }).reached);
  // A table that was paused or asked for again on the way joins the others when its copy is merged.
  await until('not every table is live', base, '/api/pipelines', (answer) =>
    (answer as PipelineStatuses)[0]?.tables.every(({ state }) => SETTLED.has(state)),
  );
}

const SETTLED = new Set(['live', 'append-only', 'detached']);

type PipelineStatuses = readonly { readonly tables: readonly { readonly state: string }[] }[];

/** Asks again and again: the worker that answers may be the one that was killed. */
async function until(
  failure: string,
  base: string,
  path: string,
  good: (answer: unknown) => boolean | undefined,
): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  let last: unknown = 'never asked';
  while (performance.now() < untilMs) {
    try {
      last = await (await fetch(`${base}${path}`)).json();
      if (good(last) === true) return;
    } catch (cause) {
      last = String(cause);
    }
    await sleep(100);
  }
  expect.fail(`${failure}: ${JSON.stringify(last)}`);
}

async function query(base: string, sql: string): Promise<string[][]> {
  const answer = await fetch(`${base}/api/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql }),
  });
  const body = (await answer.json()) as { rows?: (string | number | null)[][] };
  if (body.rows === undefined) throw new Error(`query refused: ${JSON.stringify(body)}`);
  return body.rows.map((row) => row.map(String));
}

async function withTemporal<T>(address: string, namespace: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}

async function dropSlot(url: string, pipeline: string): Promise<void> {
  await withClient(url, async (client) => {
    // Free within a moment after its consumer died; never someone else's: the name is this test's own.
    await vi.waitFor(
      () =>
        client.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1', [
          `walflow_${pipeline}`,
        ]),
      { timeout: 15_000, interval: 200 },
    );
  });
}
