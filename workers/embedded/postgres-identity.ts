// PostgreSQL refuses to run as root, so root runs it as `nobody`, the one unprivileged user that every Unix has (initdb
// looks up the name of its user, so a bare number is not enough). Any other user runs it as itself.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { WalflowError } from '../../workflows/model/errors.ts';

const run = promisify(execFile);

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** The user PostgreSQL runs as; undefined = the current one. */
export async function postgresIdentity(): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'nobody'])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch (cause) {
    throw new WalflowError(
      'EMBEDDED_POSTGRES_UNUSABLE',
      'PostgreSQL refuses to run as root and there is no user nobody',
      {
        hint: 'run walflow as another user, or name a running database with --source',
        cause,
      },
    );
  }
}

/** Can that user enter the folder and write in it? The system decides, because mode bits are not all that matters. */
export async function canUse(folder: string, identity: Identity | undefined): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'test -w "$0" && test -x "$0"', folder], { ...identity });
    return true;
  } catch {
    return false;
  }
}
