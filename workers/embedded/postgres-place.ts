// Where PostgreSQL's files go: into the state folder, unless the user it runs as cannot enter that (root started walflow in
// a folder that only root can enter). Then into a folder elsewhere, whose path is recorded in the state folder.

import { randomUUID } from 'node:crypto';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WalflowError } from '../../workflows/model/errors.ts';
import { canUse, type Identity } from './postgres-identity.ts';

const ELSEWHERE = ['/var/lib/walflow', join(tmpdir(), 'walflow')] as const;
/** In the state folder, so that deleting it also forgets the old database. */
const NOTE = 'moved-to';

/**
 * `folder`, or its replacement: created, owned by that user, and usable by it.
 * @throws WalflowError EMBEDDED_POSTGRES_UNUSABLE
 */
export async function reachableFolder(
  folder: string,
  identity: Identity | undefined,
  elsewhere: readonly string[] = ELSEWHERE,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const noted = await readFile(join(folder, NOTE), 'utf8').catch(() => null);
  const candidates = noted === null ? [folder, ...elsewhere.map((parent) => join(parent, randomUUID()))] : [noted];
  for (const candidate of candidates) {
    if (!(await isMadeUsable(candidate, identity))) continue;
    if (candidate !== folder && candidate !== noted) await writeFile(join(folder, NOTE), candidate);
    return candidate;
  }
  throw new WalflowError(
    'EMBEDDED_POSTGRES_UNUSABLE',
    `PostgreSQL's user cannot enter and write to any of ${candidates.join(', ')}`,
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
