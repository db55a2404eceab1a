// Does a program file start, and is it new enough? Checked for every candidate, wherever it came from: another program of
// the same name, a build for another machine and half a file all look alike until they are started.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ProgramRelease } from './program-release.ts';

const run = promisify(execFile);
const ANSWER_TIMEOUT_MS = 20_000;

/** Null when the program at `path` is what the release describes, `minimum` or newer; else the reason. */
export async function whyUnusable(
  release: Pick<ProgramRelease, 'title' | 'minimum' | 'versionArgs' | 'versionPattern'>,
  path: string,
): Promise<string | null> {
  let output: string;
  try {
    const { stdout, stderr } = await run(path, release.versionArgs, { timeout: ANSWER_TIMEOUT_MS });
    output = stdout + stderr;
  } catch (error) {
    return `it does not start (${error instanceof Error ? error.message.split('\n')[0] : error})`;
  }
  const version = release.versionPattern.exec(output)?.[1];
  if (version === undefined) return `it does not print a version of ${release.title.split(' ')[0]}`;
  return isAtLeast(version, release.minimum) ? null : `version ${version} is older than ${release.minimum}`;
}

/** Compares dotted numbers part by part: 4.5 is older than 4.40. */
function isAtLeast(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number);
  const want = minimum.split('.').map(Number);
  const at = want.findIndex((part, i) => part !== (have[i] ?? 0));
  return at < 0 || (have[at] ?? 0) > (want[at] ?? 0);
}
