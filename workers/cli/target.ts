// What a command works on: the project of `--config`, `--source` or this folder, or that of the `walflow dev` that runs in
// the state folder, with the settings and servers that only `dev` knows.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { ResolvedProject } from '../config/project.ts';
import { type Environment, readSettings, type Settings } from '../config/setting.ts';
import { type RunningDev, runningDev } from '../embedded/running-dev.ts';
import type { S3Access } from '../embedded/seaweedfs.ts';

/** The project a command works on: a file, or one database named on the command line. */
export interface ProjectFlags {
  readonly source?: string;
  readonly tables?: readonly string[];
  readonly pipeline?: string;
}

export interface Target {
  readonly project: ResolvedProject;
  readonly settings: Settings;
  /** State folder, absolute. */
  readonly home: string;
  /** The S3 server of the running `walflow dev`. */
  readonly s3: S3Access | undefined;
}

/** What the terminal says, read once per command. */
export interface TargetOptions {
  /** Environment and flags. */
  readonly env: Environment;
  readonly home: string;
  /** `--config` was given. */
  readonly configGiven: boolean;
  /** The project of flags or folder. */
  readonly load: (flags: ProjectFlags) => Promise<ResolvedProject>;
}

/** Settings for the API of the `walflow dev` that runs in the state folder. */
export async function settingsBesideDev({ env, home }: Pick<TargetOptions, 'env' | 'home'>): Promise<Settings> {
  return beside(env, await runningDev(home));
}

/** For what is done to one pipeline: the running `dev` comes first, as for commands that use the API. */
export async function pipelineTarget(options: TargetOptions, flags: ProjectFlags): Promise<Target> {
  const dev = options.configGiven ? null : await runningDev(options.home);
  const own = flags.source !== undefined || dev === null;
  return targetOf(options, own ? await options.load(flags) : dev.project, dev);
}

/** For what is done to a configuration: that of the folder comes first. */
export async function projectTarget(options: TargetOptions): Promise<Target> {
  try {
    return targetOf(options, await options.load({}), null);
  } catch (failure) {
    const isThere = !(failure instanceof WalflowError) || failure.code !== 'CONFIG_NOT_FOUND';
    const dev = isThere || options.configGiven ? null : await runningDev(options.home);
    if (dev === null) throw failure;
    return targetOf(options, dev.project, dev);
  }
}

function targetOf({ env, home }: TargetOptions, project: ResolvedProject, dev: RunningDev | null): Target {
  return { project, settings: beside(env, dev), home, s3: dev?.s3 };
}

/** What the terminal says wins: it was written for this command. */
function beside(env: Environment, dev: RunningDev | null): Settings {
  if (dev === null) return readSettings(env);
  const said = Object.entries(env).filter(([name, value]) => value !== '' && !isUnknownPort(name, value));
  return readSettings({ ...dev.env, ...Object.fromEntries(said) });
}

/** 0 means any port: `dev` knows which. */
const isUnknownPort = (name: string, value: string | undefined) => name.endsWith('_PORT') && value === '0';
