// PostgreSQL refuses to run as root, so root runs it as `nobody`: the one unprivileged user every Unix has by name
// (initdb looks its own user up, a bare number will not do). Everybody else runs it as themselves.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { WalflowError } from '../../workflows/model/errors.ts';

const run = promisify(execFile);

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Who PostgreSQL runs as; undefined = as ourselves. */
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

/** Can that user enter the folder and write there? Asked of the system itself: mode bits are only half the answer. */
export async function canUse(folder: string, identity: Identity | undefined): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'test -w "$0" && test -x "$0"', folder], { ...identity });
    return true;
  } catch {
    return false;
  }
}
