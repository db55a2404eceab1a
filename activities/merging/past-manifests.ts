// Manifests that are merged already, for tables that become live later: what they say of changes is read once for all tables
// that load. Reading them for each table would cost tables times manifests.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { Manifest } from '../../workflows/model/manifest.ts';
import { withoutBodies } from '../lake/inline-file.ts';
import { type ManifestStore, readManifest } from '../lake/log.ts';

/** Without the list of captured tables and the inline files, which may be a thousand times larger. */
export type PastManifest = Pick<Manifest, 'seq' | 'tables' | 'truncates'>;

const AT_ONCE = 16;
/** Files and truncates that are kept, a few hundred bytes each; what comes after them is read again each time. */
const MAX_KEPT = 20_000;

export class PastManifests {
  readonly #lake: ManifestStore;
  readonly #kept = new Map<number, PastManifest>();
  #size = 0;

  constructor(lake: ManifestStore) {
    this.#lake = lake;
  }

  /**
   * Manifests from `fromSeq` to the one before `beforeSeq`, in order.
   * @throws WalflowError LOG_BROKEN when one is gone: without its changes a table would be wrong for ever.
   */
  async *between(fromSeq: number, beforeSeq: number): AsyncGenerator<PastManifest> {
    for (let seq = fromSeq; seq < beforeSeq; seq += AT_ONCE) {
      const count = Math.min(AT_ONCE, beforeSeq - seq);
      yield* await Promise.all(Array.from({ length: count }, (_, i) => this.#manifest(seq + i)));
    }
  }

  async #manifest(seq: number): Promise<PastManifest> {
    const kept = this.#kept.get(seq);
    if (kept !== undefined) return kept;
    const stored = await readManifest(this.#lake, seq);
    if (stored === null) throw new WalflowError('LOG_BROKEN', `manifest ${seq} is gone, but later ones exist`);
    const { tables, truncates } = withoutBodies(stored.manifest);
    const size = 1 + truncates.length + tables.reduce((sum, { files }) => sum + files.length, 0);
    if (this.#size + size <= MAX_KEPT) {
      this.#size += size;
      this.#kept.set(seq, { seq, tables, truncates });
    }
    return { seq, tables, truncates };
  }
}
