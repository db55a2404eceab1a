// Everything `walflow dev` knows before it starts anything: settings, state folder, project, ports, and how to name the
// project to its workers.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adHocProject } from '../../config/ad-hoc.ts';
import { loadProject } from '../../config/load.ts';
import type { ResolvedProject } from '../../config/project.ts';
import type { Environment, Settings } from '../../config/setting.ts';
import { freePorts, requireFreePort } from '../../embedded/port.ts';
import { type Cli, DEFAULT_PIPELINE } from '../cli.ts';
import { SOURCE_VARIABLE } from '../project-flags.ts';
import { type DevFlags, demoEnvironment } from './plan.ts';

export interface DevSession {
  readonly flags: DevFlags;
  readonly settings: Settings;
  /** State folder, absolute. */
  readonly home: string;
  readonly cwd: string;
  readonly project: ResolvedProject;
  readonly httpPort: number;
  readonly ingestHttpPort: number;
  /** For the workers. */
  readonly env: Environment;
  /** Flags of `walflow worker` that name the project, without secrets: the process list shows them. */
  readonly projectArgs: readonly string[];
}

/** On one machine a worker that crashed starts again at once, so it is replaced sooner. */
const DEV_HEARTBEAT_TIMEOUT = '12';

/** @throws WalflowError CONFIG_NOT_FOUND, CONFIG_INVALID, PORT_TAKEN, SETTING_INVALID */
export async function openDevSession(cli: Cli, flags: DevFlags): Promise<DevSession> {
  const { cwd } = cli.terminal;
  const WALFLOW_HEARTBEAT_TIMEOUT = cli.terminal.env.WALFLOW_HEARTBEAT_TIMEOUT || DEV_HEARTBEAT_TIMEOUT;
  const settings = cli.settings({ WALFLOW_HEARTBEAT_TIMEOUT });
  const home = resolve(cwd, settings.home);
  const own = flags.demo ? demoEnvironment(settings, home) : {};
  // The configuration is the user's code and reads the environment of the process it runs in.
  Object.assign(process.env, own);
  const env = { ...cli.terminal.env, WALFLOW_HEARTBEAT_TIMEOUT, ...own };
  const httpPort = await portOf(settings.httpPort, 'WALFLOW_HTTP_PORT');
  const ingestHttpPort = await portOf(settings.ingestHttpPort, 'WALFLOW_INGEST_HTTP_PORT');
  const common = { flags, settings, home, cwd, httpPort, ingestHttpPort };
  if (flags.source !== undefined) {
    const { source, tables = [], pipeline = DEFAULT_PIPELINE } = flags;
    return {
      ...common,
      project: adHocProject({ source, tables, pipeline, home, folder: cwd, env }),
      env: { ...env, [SOURCE_VARIABLE]: source },
      projectArgs: ['--pipeline', pipeline, ...(tables.length === 0 ? [] : ['--tables', ...tables])],
    };
  }
  const file = flags.demo ? demoConfiguration() : cli.configFile();
  const project = await loadProject({ file, folder: cwd, env });
  return { ...common, project, env, projectArgs: ['--config', project.file ?? '', '--watch'] };
}

/** The file in the sources, or the one built from it. */
function demoConfiguration(): string {
  const [source = '', built = ''] = ['ts', 'js'].map((extension) =>
    fileURLToPath(new URL(`../../../examples/shop/walflow.config.${extension}`, import.meta.url)),
  );
  return existsSync(source) ? source : built;
}

/** The port itself; for 0 a free one. */
async function portOf(port: number, setting: string): Promise<number> {
  if (port !== 0) {
    await requireFreePort(port, setting);
    return port;
  }
  const [free = 0] = await freePorts(1);
  return free;
}
