// The lake's identity: a random id, made once. With it a source can name the lake that its slot feeds, so that two pipelines
// of the same name find out that they are two. Invariant: the first writer wins, and the id never changes.

import { createHash, randomUUID } from 'node:crypto';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { ManifestStore } from './log.ts';
import { IDENTITY_KEY } from './object-key.ts';

const FORMAT_VERSION = 1;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Null for a lake that has none yet.
 * @throws WalflowError MANIFEST_UNREADABLE, and what the store throws.
 */
export async function readIdentity(lake: ManifestStore): Promise<string | null> {
  const bytes = await lake.get(IDENTITY_KEY);
  return bytes === null ? null : idIn(bytes);
}

/** The identity; makes one for a lake that has none. */
export async function ensureIdentity(lake: ManifestStore): Promise<string> {
  const known = await readIdentity(lake);
  if (known !== null) return known;
  const id = randomUUID();
  const bytes = Buffer.from(`${JSON.stringify({ formatVersion: FORMAT_VERSION, id }, null, 2)}\n`);
  const outcome = await lake.putIfAbsent(IDENTITY_KEY, bytes, createHash('sha256').update(bytes).digest('hex'));
  // Another writer's, or the client's retry that met its own first try: the object itself decides.
  return outcome === 'stored' ? id : ((await readIdentity(lake)) ?? id);
}

function idIn(bytes: Buffer): string {
  const id = textOf(bytes);
  if (id !== null && UUID.test(id)) return id;
  throw new WalflowError('MANIFEST_UNREADABLE', `${IDENTITY_KEY} holds no identity of a lake`);
}

function textOf(bytes: Buffer): string | null {
  try {
    const content: unknown = JSON.parse(bytes.toString('utf8'));
    const found = typeof content === 'object' && content !== null && 'id' in content ? content.id : null;
    return typeof found === 'string' ? found : null;
  } catch {
    return null;
  }
}
