// What `walflow worker` does: runs each role with its logger, its metrics and its HTTP port until a signal ends it.

import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import type { ResolvedProject } from '../../config/project.ts';
import type { Settings } from '../../config/setting.ts';
import { temporalSettings } from '../../config/temporal.ts';
import { createLog } from '../../log/logger.ts';
import { logTemporal } from '../../log/temporal-log.ts';
import type { Cli } from '../cli.ts';
import { watchProject } from '../dev/project-watch.ts';
import type { ProjectFlags } from '../target.ts';
import { EXIT, type ExitCode } from '../terminal.ts';
import type { RoleOptions, WorkerRole } from './role.ts';

export interface WorkerFlags extends ProjectFlags {
  readonly role: readonly WorkerRole[];
  readonly httpPort?: string;
  readonly heartbeatTimeout?: string;
  readonly watch?: boolean;
}

/** Loaded when they run: a worker for one role need not hold the engine and the page of the other. */
const ROLES: Readonly<Record<WorkerRole, (options: RoleOptions) => Promise<void>>> = {
  ingest: async (options) => await (await import('./ingest.ts')).ingestRole(options),
  warehouse: async (options) => await (await import('./warehouse.ts')).warehouseRole(options),
};

/**
 * Makes buffers count as part of the heap, whose limit adapts to what is alive. Otherwise V8 starts a full garbage collection
 * for every 64 MB of buffers, and every chunk from a TLS socket or an object is one: at full speed up to a third of the time
 * goes into marking a heap that hardly changes.
 */
const BUFFERS_ON_HEAP = '--external-memory-accounted-in-global-limit';

/** Runs the roles until SIGTERM or SIGINT; with `--watch` they restart whenever the configuration is saved. */
export async function runWorkers(cli: Cli, flags: WorkerFlags): Promise<ExitCode> {
  const { signal, broken } = cli.terminal;
  setFlagsFromString(BUFFERS_ON_HEAP);
  let project: ResolvedProject | null = await cli.project(flags);
  const log = logOf(cli.settings(), flags.role.join());
  logTemporal(log);
  const onBroken = () =>
    log.error({ failure: stackOf(broken.reason) }, 'nobody caught this: the worker drains and ends');
  broken.addEventListener('abort', onBroken, { once: true });
  while (project !== null && !signal.aborted) {
    project = await runUntilChanged(cli, flags, project);
  }
  return EXIT.done;
}

/** Returns the configuration that was saved; null when the process has to end. */
async function runUntilChanged(
  cli: Cli,
  flags: WorkerFlags,
  project: ResolvedProject,
): Promise<ResolvedProject | null> {
  const { signal } = cli.terminal;
  if (!flags.watch || project.file === null) {
    await runRoles(cli, flags, project, signal);
    return null;
  }
  const watch = watchProject(project.files, () => cli.project(flags), logOf(cli.settings(), flags.role.join()));
  try {
    await runRoles(cli, flags, project, AbortSignal.any([signal, watch.changed]));
    return watch.next();
  } finally {
    watch.close();
  }
}

/** The failure of one role ends the others too. */
async function runRoles(cli: Cli, flags: WorkerFlags, project: ResolvedProject, ended: AbortSignal): Promise<void> {
  const settings = settingsOf(cli, flags);
  const failed = new AbortController();
  const signal = AbortSignal.any([ended, failed.signal]);
  const { broken } = cli.terminal;
  const temporal = temporalSettings(settings);
  const home = resolve(cli.terminal.cwd, settings.home);
  const run = async (role: WorkerRole) => {
    const log = logOf(settings, role);
    log.info({ project: project.name }, `the ${role} worker starts`);
    try {
      const { heartbeatTimeoutSeconds } = settings;
      const watch = flags.watch === true;
      await ROLES[role]({ project, settings, log, signal, broken, home, temporal, heartbeatTimeoutSeconds, watch });
      log.info(`the ${role} worker has drained`);
    } catch (failure) {
      failed.abort();
      throw failure;
    }
  };
  const outcomes = await Promise.allSettled(flags.role.map(run));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

const stackOf = (failure: unknown) => (failure instanceof Error ? failure.stack : String(failure));

function logOf({ logLevel: level, logFormat: format }: Settings, role: string): Logger {
  return createLog({ level, format, role, out: process.stderr });
}

/** `--http-port` is the port of the given role; of both roles it is that of `warehouse`. */
function settingsOf(cli: Cli, { role, httpPort, heartbeatTimeout }: WorkerFlags): Settings {
  const variable = role.includes('warehouse') ? 'WALFLOW_HTTP_PORT' : 'WALFLOW_INGEST_HTTP_PORT';
  return cli.settings({ [variable]: httpPort, WALFLOW_HEARTBEAT_TIMEOUT: heartbeatTimeout });
}
