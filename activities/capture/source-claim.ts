// Proves that a source is ours before anything on it is changed: two pipelines of one name would otherwise change each
// other's publications and drop each other's slots.

import type { WalflowError } from '../../workflows/model/errors.ts';
import type { StoredManifest } from '../../workflows/model/manifest.ts';
import { readIdentity } from '../lake/identity.ts';
import type { ManifestStore } from '../lake/log.ts';
import { epochIntentKey } from '../lake/object-key.ts';
import { readOwnership } from '../wal/postgres/owner.ts';
import type { Source } from '../wal/postgres/source.ts';
import { foreignPart, type LakeClaim, type SourceNames } from './ownership.ts';

/** @param head the lake's last manifest */
export async function readClaim(lake: ManifestStore, head: StoredManifest | null): Promise<LakeClaim> {
  const { epochNo = 0, epoch } = head?.manifest ?? {};
  const intent = await lake.get(epochIntentKey(epochNo + 1));
  const slots = [...(epoch === undefined ? [] : [epoch.slot]), ...(intent === null ? [] : slotIn(intent))];
  return { id: await readIdentity(lake), slots };
}

/** @throws WalflowError SLOT_FOREIGN, PUBLICATION_UNUSABLE */
export async function assertOwned(source: Source, claim: LakeClaim, names: SourceNames): Promise<void> {
  const problem = await foreignOn(source, claim, names);
  if (problem !== null) throw problem;
}

/** What on the source is another pipeline's; null when nothing is. */
export async function foreignOn(source: Source, claim: LakeClaim, names: SourceNames): Promise<WalflowError | null> {
  return foreignPart(await readOwnership(source.connection, names), claim, names);
}

/** An intent is a note: one that cannot be read proves nothing. */
function slotIn(intent: Buffer): readonly string[] {
  try {
    const { slot }: { readonly slot?: unknown } = JSON.parse(intent.toString('utf8'));
    return typeof slot === 'string' ? [slot] : [];
  } catch {
    return [];
  }
}
