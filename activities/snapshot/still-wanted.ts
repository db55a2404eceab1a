// Is a snapshot still needed? The manifest log names the snapshot of each captured table; once it names another one,
// whatever this one still reads is of no use.

import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { readCapture } from '../capture/log-position.ts';
import { findHead, type ManifestStore, readManifest } from '../lake/log.ts';

/** How long a snapshot may go on after another one replaced it; a look costs a few small requests. */
const LOOK_EVERY_MS = 10_000;

export class StillWanted {
  readonly #lake: ManifestStore;
  readonly #table: string;
  readonly #id: string;
  readonly #superseded = new AbortController();
  #headSeq = 0;

  constructor(lake: ManifestStore, { table, id }: { readonly table: string; readonly id: string }) {
    this.#lake = lake;
    this.#table = table;
    this.#id = id;
  }

  /** Aborts once a look finds that another snapshot, or none, has taken its place. */
  get superseded(): AbortSignal {
    return this.#superseded.signal;
  }

  /** The table as the manifest log has it now; null when the snapshot is no longer needed. */
  async look(): Promise<CaptureEntry | null> {
    this.#headSeq = await findHead(this.#lake, this.#headSeq);
    const head = this.#headSeq === 0 ? null : await readManifest(this.#lake, this.#headSeq);
    const entry = (await readCapture(this.#lake, head)).find(({ table }) => table === this.#table);
    if (entry?.snapshot.id === this.#id) return entry;
    this.#superseded.abort();
    return null;
  }

  /** Looks from time to time, until the returned function is called. A look may fail: the snapshot meets the same failure. */
  watch(everyMs = LOOK_EVERY_MS): () => void {
    const timer = setInterval(() => void this.look().catch(() => {}), everyMs);
    return () => clearInterval(timer);
  }
}
