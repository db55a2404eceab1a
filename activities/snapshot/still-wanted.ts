// Is a snapshot still needed? The manifest log names the snapshot of each captured table; once it names another one,
// whatever this one still reads is of no use.

import { ignored, safely } from '../../workflows/model/callback.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import type { CaptureList } from './capture-list.ts';

/** How long a snapshot may go on after another one replaced it; a look costs a few small requests. */
const LOOK_EVERY_MS = 10_000;

export class StillWanted {
  readonly #list: CaptureList;
  readonly #table: string;
  readonly #id: string;
  readonly #superseded = new AbortController();

  constructor(list: CaptureList, { table, id }: { readonly table: string; readonly id: string }) {
    this.#list = list;
    this.#table = table;
    this.#id = id;
  }

  /** Aborts once a look finds that another snapshot, or none, has taken its place. */
  get superseded(): AbortSignal {
    return this.#superseded.signal;
  }

  /**
   * The table as the manifest log has it now; null when the snapshot is no longer needed.
   * @param maxAgeMs as it had it so long ago is good enough
   */
  async look(maxAgeMs = 0): Promise<CaptureEntry | null> {
    const entry = await this.#list.entryOf(this.#table, maxAgeMs);
    if (entry?.snapshot.id === this.#id) return entry;
    this.#superseded.abort();
    return null;
  }

  /** Looks from time to time, until the returned function is called. A look may fail: the snapshot meets the same failure. */
  watch(everyMs = LOOK_EVERY_MS): () => void {
    const timer = setInterval(
      safely(() => this.look(), ignored),
      everyMs,
    );
    return () => clearInterval(timer);
  }
}
