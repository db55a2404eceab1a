// Whether a copy is still wanted: the log's list of captured tables names the copy each table stands on. Another one may
// take its place at any time; what this one still reads would be nobody's.

import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { readCapture } from '../capture/log-position.ts';
import { findHead, type ManifestStore, readManifest } from '../lake/log.ts';

/** A copy goes on for so long after another one replaced it; a look is a few small requests. */
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

  /** Aborts once a look found another copy, or none, in this one's place. */
  get superseded(): AbortSignal {
    return this.#superseded.signal;
  }

  /** The table as the log describes it now; null when another copy replaced this one. */
  async look(): Promise<CaptureEntry | null> {
    this.#headSeq = await findHead(this.#lake, this.#headSeq);
    const head = this.#headSeq === 0 ? null : await readManifest(this.#lake, this.#headSeq);
    const entry = (await readCapture(this.#lake, head)).find(({ table }) => table === this.#table);
    if (entry?.snapshot.id === this.#id) return entry;
    this.#superseded.abort();
    return null;
  }

  /** Looks from time to time; returns what ends it. A look that fails says nothing: the copy itself meets the trouble. */
  watch(everyMs = LOOK_EVERY_MS): () => void {
    const timer = setInterval(() => void this.look().catch(() => {}), everyMs);
    return () => clearInterval(timer);
  }
}
