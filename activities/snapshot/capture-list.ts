// The captured tables as the manifest log has them now, read once for all snapshots of a run: a list of thousands of tables
// takes longer to read than the rows of a small one.

import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { readCapture } from '../capture/log-position.ts';
import { findHead, type ManifestStore, readManifest } from '../lake/log.ts';

export class CaptureList {
  readonly #lake: ManifestStore;
  #headSeq = 0;
  #readMs = Number.NEGATIVE_INFINITY;
  /** Manifests never change, so neither does the list of one. */
  #known: { readonly seq: number; readonly entries: ReadonlyMap<string, CaptureEntry> } = {
    seq: 0,
    entries: new Map(),
  };

  constructor(lake: ManifestStore) {
    this.#lake = lake;
  }

  /**
   * The table as the end of the log has it; undefined when it is not captured.
   * @param maxAgeMs how long ago the end of the log may have been looked for
   */
  async entryOf(table: string, maxAgeMs: number): Promise<CaptureEntry | undefined> {
    if (performance.now() - this.#readMs > maxAgeMs) {
      this.#headSeq = await findHead(this.#lake, this.#headSeq);
      this.#readMs = performance.now();
    }
    return (await this.#entriesAt(this.#headSeq)).get(table);
  }

  async #entriesAt(headSeq: number): Promise<ReadonlyMap<string, CaptureEntry>> {
    if (headSeq === this.#known.seq) return this.#known.entries;
    const head = await readManifest(this.#lake, headSeq);
    const seq = head === null || head.manifest.capture !== null ? headSeq : head.manifest.captureSeq;
    if (seq !== this.#known.seq) {
      const entries = await readCapture(this.#lake, head);
      this.#known = { seq, entries: new Map(entries.map((entry) => [entry.table, entry])) };
    }
    return this.#known.entries;
  }
}
