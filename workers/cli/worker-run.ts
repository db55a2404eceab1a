// What `walflow worker` does: each role with its log, its metrics and its HTTP port, until a signal asks for the end.

import { resolve } from 'node:path';
import { readSettings, type Settings } from '../config/setting.ts';
import { temporalSettings } from '../config/temporal.ts';
import { createLog } from '../log.ts';
import type { Cli, ProjectFlags } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';
import { ingestRole } from './worker-ingest.ts';
import type { WorkerRole } from './worker-role.ts';
import { warehouseRole } from './worker-warehouse.ts';

export interface WorkerFlags extends ProjectFlags {
  readonly role: readonly WorkerRole[];
  readonly httpPort?: string;
  readonly heartbeatTimeout: number;
}

const ROLES = { ingest: ingestRole, warehouse: warehouseRole } as const;

/** Runs the roles until SIGTERM or SIGINT; the failure of one ends the others too. */
export async function runWorkers(cli: Cli, flags: WorkerFlags): Promise<ExitCode> {
  const { terminal } = cli;
  const settings = settingsOf(cli, flags);
  const project = await cli.project(flags);
  const failed = new AbortController();
  const signal = AbortSignal.any([terminal.signal, failed.signal]);
  const run = async (role: WorkerRole) => {
    const log = createLog({ level: settings.logLevel, format: settings.logFormat, role, out: process.stderr });
    log.info({ project: project.name }, `the ${role} worker starts`);
    try {
      await ROLES[role]({
        project,
        settings,
        log,
        signal,
        home: resolve(terminal.cwd, settings.home),
        temporal: temporalSettings(settings),
        heartbeatTimeoutSeconds: flags.heartbeatTimeout,
      });
      log.info(`the ${role} worker has drained`);
    } catch (failure) {
      failed.abort();
      throw failure;
    }
  };
  const outcomes = await Promise.allSettled(flags.role.map(run));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return EXIT.done;
}

/** `--http-port` is the port of the role that is asked for; together with `warehouse`, ingest keeps its own. */
function settingsOf(cli: Cli, { role, httpPort }: WorkerFlags): Settings {
  if (httpPort === undefined) return cli.settings();
  const variable = role.includes('warehouse') ? 'WALFLOW_HTTP_PORT' : 'WALFLOW_INGEST_HTTP_PORT';
  return readSettings({ ...cli.environment(), [variable]: httpPort });
}
