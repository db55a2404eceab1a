// What every command gets: terminal, settings, the API of a running walflow, the project. A command adds itself to the
// program and returns its exit code; failures are printed in one place (main.ts).

import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { adHocProject } from '../config/ad-hoc.ts';
import { loadProject } from '../config/load.ts';
import type { ResolvedProject } from '../config/project.ts';
import { type Environment, readSettings, type Settings } from '../config/setting.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { type ProjectFlags, pipelineTarget, projectTarget, settingsBesideDev, type Target } from './target.ts';
import type { ExitCode, Terminal } from './terminal.ts';

/** Flags of every command; those that are also settings win over the environment. */
interface GlobalFlags {
  readonly url?: string;
  readonly token?: string;
  readonly config?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

export interface Cli {
  readonly terminal: Terminal;
  /** The environment, overridden by the flags that are settings; `own` are those of the command, by variable. */
  settings(own?: Environment): Settings;
  /** As given, unchecked: a failure must be printable even if a setting is wrong. */
  logLevel(): string | undefined;
  /** `--config`; undefined = walflow.config.* in the current folder. */
  configFile(): string | undefined;
  /** Of the `walflow dev` that runs in the state folder, unless the terminal names another one. */
  api(): Promise<ApiClient>;
  /** The project of `--source`, `--config`, or the configuration in this folder. */
  project(flags: ProjectFlags): Promise<ResolvedProject>;
  /** As `project`, but without these flags a running `walflow dev` comes first. */
  pipelineTarget(flags: ProjectFlags): Promise<Target>;
  /** As `project`; without a configuration that of a running `walflow dev`. `own` as for `settings`. */
  projectTarget(own?: Environment): Promise<Target>;
  /** Wraps a command's body for commander: its result becomes the exit code of the process. */
  action<Args extends readonly unknown[]>(body: (...args: Args) => Promise<ExitCode>): (...args: Args) => Promise<void>;
}

/** Default name of the pipeline for `--source`. */
export const DEFAULT_PIPELINE = 'main';

export function createCli(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): Cli {
  const flags = () => program.opts<GlobalFlags>();
  const envOf = (own: Environment = {}) => withFlags(terminal.env, flags(), own);
  const settings = (own?: Environment) => readSettings(envOf(own));
  const load = ({ source, tables = [], pipeline = DEFAULT_PIPELINE }: ProjectFlags) => {
    const { env, cwd: folder } = terminal;
    if (source === undefined) return loadProject({ file: flags().config, folder, env });
    return Promise.resolve(adHocProject({ source, tables, pipeline, home: settings().home, folder, env }));
  };
  const options = (own?: Environment) => ({
    env: envOf(own),
    home: resolve(terminal.cwd, settings().home),
    configGiven: flags().config !== undefined,
    load,
  });
  return {
    terminal,
    settings,
    logLevel: () => flags().logLevel ?? terminal.env.WALFLOW_LOG_LEVEL,
    configFile: () => flags().config,
    api: async () => {
      const { url, token, httpPort } = await settingsBesideDev(options());
      const { fetch, signal } = terminal;
      return createApiClient({ url: url ?? `http://127.0.0.1:${httpPort}`, token, fetch, signal });
    },
    project: load,
    pipelineTarget: (wanted) => pipelineTarget(options(), wanted),
    projectTarget: (own) => projectTarget(options(own)),
    action:
      (body) =>
      async (...args) => {
        finish(await body(...args));
      },
  };
}

function withFlags(env: Environment, flags: GlobalFlags, own: Environment): Environment {
  const given = {
    ...own,
    WALFLOW_URL: flags.url,
    WALFLOW_TOKEN: flags.token,
    WALFLOW_LOG_LEVEL: flags.logLevel,
    WALFLOW_LOG_FORMAT: flags.logFormat,
  };
  return { ...env, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** A flag for an environment variable; its value is checked together with all other settings. */
export function settingOption({ flag, env, help }: { flag: string; env: string; help: string }): Option {
  return new Option(flag, `${help} (${env})`);
}

/** The last lines of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
