// Where PostgreSQL's files may lie: in the state folder, unless the user it runs as cannot enter it (root started walflow
// in a folder only root can enter); then in a folder of its own under /var/lib, named after the state folder.

import { createHash } from 'node:crypto';
import { chown, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { WalflowError } from '../../workflows/model/errors.ts';
import { canUse, type Identity } from './postgres-identity.ts';

const ELSEWHERE = ['/var/lib/walflow', join(tmpdir(), 'walflow')] as const;

/**
 * `folder`, or its stand-in: made, owned by that user, and usable by it. The same folder always has the same stand-in.
 * @throws WalflowError EMBEDDED_POSTGRES_UNUSABLE
 */
export async function reachableFolder(
  folder: string,
  identity: Identity | undefined,
  elsewhere: readonly string[] = ELSEWHERE,
): Promise<string> {
  const hash = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 12);
  const candidates = [folder, ...elsewhere.map((parent) => join(parent, `${basename(folder)}-${hash}`))];
  for (const candidate of candidates) {
    if (await isMadeUsable(candidate, identity)) return candidate;
  }
  throw new WalflowError(
    'EMBEDDED_POSTGRES_UNUSABLE',
    `PostgreSQL's user cannot write to any of ${candidates.join(', ')}`,
  );
}

async function isMadeUsable(folder: string, identity: Identity | undefined): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true });
    if (identity !== undefined) await chown(folder, identity.uid, identity.gid);
    return await canUse(folder, identity);
  } catch {
    return false;
  }
}
