// The servers that `walflow dev` needs, in one state folder: started side by side, watched, and stopped in order (walflow's
// own processes before the servers they use). State is kept; after any failure nothing is left running.

import { join, resolve } from 'node:path';
import type { ChildSpec } from './child.ts';
import { type EndedProcess, endLeftovers } from './clean-up.ts';
import type { FetchEvent } from './download.ts';
import { lockHome } from './home-lock.ts';
import { forgetChildren, PidFile } from './pid-file.ts';
import { LOOPBACK, requireFreePort } from './port.ts';
import { type PostgresOptions, postgresUrl, preparePostgres } from './postgres.ts';
import { TEMPORAL_CLI, WEED } from './program-release.ts';
import { findProgram } from './program-search.ts';
import { prepareSeaweed, type S3Access, s3Access } from './seaweedfs.ts';
import { type ChildEvent, type PrepareChild, Supervisor } from './supervisor.ts';
import { prepareTemporal, temporalAddress } from './temporal.ts';

export interface StackPorts {
  readonly postgres: number;
  readonly s3: number;
  readonly temporal: number;
  readonly temporalUi: number;
}

export type StackEvent = FetchEvent | ChildEvent | { readonly tag: 'cleaned'; readonly ended: EndedProcess };

export interface StackOptions {
  /** State folder, created if it does not exist. */
  readonly home: string;
  readonly ports: StackPorts;
  readonly need: { readonly postgres: boolean; readonly s3: boolean; readonly temporal: boolean };
  /** Where to look for programs: PATH, cache, settings that name them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (event: StackEvent) => void;
  /** Aborts the start; what was started is stopped. */
  readonly signal?: AbortSignal;
}

export interface EmbeddedStack {
  /** As the owner of database `shop`, who may replicate. */
  readonly postgresUrl?: string;
  readonly s3?: S3Access;
  readonly temporalAddress?: string;
  readonly temporalUiUrl?: string;
  /** Starts one of walflow's own processes and keeps it alive; it is stopped before the servers. */
  run(prepare: PrepareChild): Promise<void>;
  /** Resolves when a child cannot be kept alive; the message has the end of its log. Never rejects. */
  readonly failed: Promise<Error>;
  /** Stops everything within 10 s and releases the state folder. Safe to call twice. */
  stop(): Promise<void>;
}

/** Documented: people connect to the demo with it. */
const DEMO = { role: { name: 'walflow', password: 'walflow', superuser: false }, database: 'shop' } as const;
const BUCKET = 'walflow';
/** Everything ends within 10 s; servers get what walflow's own processes leave of that time. */
const STOP_MS = 9_500;
const OWN_STOP_MS = 4_500;

/**
 * Starts the servers that are needed and waits until all of them answer.
 * @throws WalflowError DEV_ALREADY_RUNNING, PORT_TAKEN, EMBEDDED_BINARY_MISSING, EMBEDDED_POSTGRES_UNUSABLE, EMBEDDED_CHILD_CRASHED
 */
export async function startStack(options: StackOptions): Promise<EmbeddedStack> {
  const home = resolve(options.home);
  const unlock = await lockHome(home);
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const supervision = { pidFile: new PidFile(home), onEvent: options.onProgress, onFailure: fail };
  const servers = new Supervisor(supervision);
  const own = new Supervisor(supervision);
  const stop = async () => {
    const startedMs = performance.now();
    await own.stop(OWN_STOP_MS);
    await servers.stop(STOP_MS - (performance.now() - startedMs));
    await forgetChildren(home);
    await unlock();
  };
  try {
    for (const ended of await endLeftovers(home)) options.onProgress({ tag: 'cleaned', ended });
    await requirePorts(options);
    await startAll(servers, options, home);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...addresses(options, home), run: (prepare) => own.start(prepare), failed, stop };
}

/** The first failure, or the signal, aborts all of them: no use in waiting for the download of another server then. */
async function startAll(servers: Supervisor, options: StackOptions, home: string): Promise<void> {
  const giveUp = new AbortController();
  const onAbort = () => giveUp.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  giveUp.signal.addEventListener('abort', () => void servers.stop(STOP_MS), { once: true });
  const children = serversOf(options, home, giveUp.signal);
  await Promise.all(children.map((prepare) => servers.start(prepare).catch((error) => giveUp.abort(error))));
  options.signal?.removeEventListener('abort', onAbort);
  giveUp.signal.throwIfAborted();
}

/** Checks every port before anything is started. */
async function requirePorts({ ports, need }: StackOptions): Promise<void> {
  if (need.postgres) await requireFreePort(ports.postgres, 'WALFLOW_POSTGRES_PORT');
  if (need.s3) await requireFreePort(ports.s3, 'WALFLOW_S3_PORT');
  if (need.temporal) await requireFreePort(ports.temporal, 'WALFLOW_TEMPORAL_PORT');
  if (need.temporal) await requireFreePort(ports.temporalUi, 'WALFLOW_TEMPORAL_UI_PORT');
}

function serversOf(options: StackOptions, home: string, signal: AbortSignal): readonly PrepareChild[] {
  const { need, ports, env, onProgress } = options;
  const search = { env, onFetch: onProgress, signal };
  const seaweed = async (): Promise<ChildSpec> =>
    prepareSeaweed({ program: await findProgram(WEED, search), ...seaweedPlace(home, ports) });
  const temporal = async (): Promise<ChildSpec> =>
    prepareTemporal({
      program: await findProgram(TEMPORAL_CLI, search),
      folder: join(home, 'temporal'),
      port: ports.temporal,
      uiPort: ports.temporalUi,
      logFile: join(home, 'logs', 'temporal.log'),
    });
  return [
    ...(need.postgres ? [() => preparePostgres(postgresOptions(home, ports))] : []),
    ...(need.s3 ? [seaweed] : []),
    ...(need.temporal ? [temporal] : []),
  ];
}

function postgresOptions(home: string, { postgres: port }: StackPorts): PostgresOptions {
  return { folder: join(home, 'postgres'), port, logFile: join(home, 'logs', 'postgres.log'), ...DEMO };
}

function seaweedPlace(home: string, { s3: port }: StackPorts) {
  return { folder: join(home, 'seaweedfs'), port, logFile: join(home, 'logs', 'seaweedfs.log'), bucket: BUCKET };
}

function addresses({ need, ports }: StackOptions, home: string) {
  return {
    ...(need.postgres ? { postgresUrl: postgresUrl(postgresOptions(home, ports)) } : {}),
    ...(need.s3 ? { s3: s3Access(seaweedPlace(home, ports)) } : {}),
    ...(need.temporal
      ? {
          temporalAddress: temporalAddress({ port: ports.temporal }),
          temporalUiUrl: `http://${LOOPBACK}:${ports.temporalUi}`,
        }
      : {}),
  };
}
