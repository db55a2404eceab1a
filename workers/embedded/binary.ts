// Finds the servers npm does not carry: a program the person named, one on PATH, one fetched before. A program that is
// there but does not answer, or is too old, is a reason in the final error, not a crash.

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { ProgramRelease } from './program-release.ts';

const run = promisify(execFile);

type Environment = Readonly<Record<string, string | undefined>>;

/** A way that was tried: the program's path, or why not. */
type Attempt = { readonly tag: 'found'; readonly path: string } | { readonly tag: 'not'; readonly why: string };

/**
 * Path of the program: by its setting, on PATH, in the cache.
 * @throws WalflowError EMBEDDED_BINARY_MISSING naming every way that was tried.
 */
export async function findProgram(release: ProgramRelease, env: Environment): Promise<string> {
  const reasons: string[] = [];
  for (const attempt of [() => bySetting(release, env), () => onPath(release, env), () => inCache(release, env)]) {
    const result = await attempt();
    if (result.tag === 'found') return result.path;
    reasons.push(result.why);
  }
  throw new WalflowError('EMBEDDED_BINARY_MISSING', `${release.title} was not found: ${reasons.join('; ')}`, {
    hint: `install ${release.program} ${release.minimum} or newer on PATH, or set ${release.setting} to its path`,
  });
}

/** Folder a fetched program lives in: `<cache>/walflow/<program>-<version>`. */
export function cacheFolder(release: ProgramRelease, env: Environment): string {
  const cache = env.XDG_CACHE_HOME || join(env.HOME ?? homedir(), '.cache');
  return join(cache, 'walflow', `${release.program}-${release.version}`);
}

async function bySetting(release: ProgramRelease, env: Environment): Promise<Attempt> {
  const path = env[release.setting];
  if (!path) return { tag: 'not', why: `${release.setting} is not set` };
  const why = await whyUnusable(release, path);
  if (why === null) return { tag: 'found', path };
  // The person chose this file: something else instead would only hide the mistake.
  throw new WalflowError('EMBEDDED_BINARY_MISSING', `${release.setting} names ${path}, but ${why}`, {
    hint: `point ${release.setting} at ${release.program} ${release.minimum} or newer, or unset it`,
  });
}

async function onPath(release: ProgramRelease, env: Environment): Promise<Attempt> {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  let why = `no ${release.program} on PATH`;
  for (const folder of folders) {
    const path = join(folder, release.program);
    if (!(await isExecutable(path))) continue;
    const reason = await whyUnusable(release, path);
    if (reason === null) return { tag: 'found', path };
    why = `${path}: ${reason}`;
  }
  return { tag: 'not', why };
}

async function inCache(release: ProgramRelease, env: Environment): Promise<Attempt> {
  const path = join(cacheFolder(release, env), release.program);
  const why = (await isExecutable(path)) ? await whyUnusable(release, path) : 'not there';
  return why === null ? { tag: 'found', path } : { tag: 'not', why: `${path}: ${why}` };
}

/** Null when the program answers and is new enough. */
export async function whyUnusable(release: ProgramRelease, path: string): Promise<string | null> {
  let output: string;
  try {
    const { stdout, stderr } = await run(path, release.versionArgs, { timeout: 20_000 });
    output = stdout + stderr;
  } catch (error) {
    return `it does not start (${error instanceof Error ? error.message.split('\n')[0] : error})`;
  }
  const version = release.versionPattern.exec(output)?.[1];
  if (version === undefined) return `it is not ${release.title}`;
  return isAtLeast(version, release.minimum) ? null : `version ${version} is older than ${release.minimum}`;
}

function isAtLeast(version: string, minimum: string): boolean {
  const [have, want] = [version, minimum].map((text) => text.split('.').map(Number));
  const at = (want ?? []).findIndex((part, i) => (have?.[i] ?? 0) !== part);
  return at < 0 || (have?.[at] ?? 0) > (want?.[at] ?? 0);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
