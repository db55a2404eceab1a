// Reads what is pending: whole manifests after the watermark, checked as a chain. A window ends before a manifest that
// changes the captured tables, and at the bounds on rows, bytes and files. Inline files are not kept: `take` has them.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { Manifest, StoredManifest } from '../../workflows/model/manifest.ts';
import type { Watermark } from '../../workflows/model/watermark.ts';
import { type ManifestStore, readManifest } from '../lake/log.ts';
import { assertFollows } from '../lake/manifest-codec.ts';

interface WindowBounds {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** How many manifests to read at once at most; the first absent one ends the round. */
const READ_AHEAD = 8;
/** A warehouse that is hours behind finds thousands of small files pending, more than one scan can open. */
const MAX_FILES = 1_000;

export class WindowReader {
  readonly #lake: ManifestStore;
  readonly #bounds: WindowBounds;
  readonly #take: (manifest: Manifest) => Manifest;
  #last: StoredManifest | null = null;
  /** Manifests that are read already, but did not fit into the last window. */
  readonly #ahead: StoredManifest[] = [];
  /** How many were found since one was absent: as many more are worth a try. Each try costs a request. */
  #found = 0;

  /** @param take puts the inline files of a pending manifest elsewhere, and returns it without them */
  constructor(lake: ManifestStore, bounds: WindowBounds, take: (manifest: Manifest) => Manifest) {
    this.#lake = lake;
    this.#bounds = bounds;
    this.#take = take;
  }

  /**
   * Starts after a watermark.
   * @throws WalflowError WATERMARK_AHEAD, LOG_MISMATCH when the manifest log is not the one this warehouse merged.
   */
  async start(watermark: Watermark): Promise<void> {
    this.#ahead.length = 0;
    this.#last = null;
    if (watermark.seq === 0) return;
    const stored = await readManifest(this.#lake, watermark.seq);
    if (stored === null) {
      throw new WalflowError(
        'WATERMARK_AHEAD',
        `the warehouse merged manifest ${watermark.seq}, but the lake's manifest log ends before it`,
      );
    }
    if (stored.hash !== watermark.manifestHash) {
      throw new WalflowError('LOG_MISMATCH', `manifest ${watermark.seq} is not the one this warehouse merged`);
    }
    this.#last = stored;
  }

  /**
   * The next window; null while nothing is pending. A window can still end before an unreadable manifest.
   * @throws WalflowError MANIFEST_UNREADABLE, MANIFEST_NEWER, LOG_BROKEN when the next manifest is the cause.
   */
  async next(): Promise<readonly StoredManifest[] | null> {
    const window: StoredManifest[] = [];
    let rows = 0;
    let bytes = 0;
    let files = 0;
    for (;;) {
      const stored = this.#ahead[0] ?? (await this.#readAhead(window.length === 0));
      if (stored === undefined) break;
      const size = sizeOf(stored.manifest);
      const full =
        rows + size.rows > this.#bounds.maxRows ||
        bytes + size.bytes > this.#bounds.maxBytes ||
        files + size.files > MAX_FILES;
      if (window.length > 0 && (full || stored.manifest.capture !== null || !follows(this.#last, stored))) break;
      assertFollows(this.#last, stored);
      this.#ahead.shift();
      this.#last = stored;
      window.push(stored);
      rows += size.rows;
      bytes += size.bytes;
      files += size.files;
    }
    return window.length > 0 ? window : null;
  }

  /** @param strict throw failures; else a failure only ends the window, and the next one meets it. */
  async #readAhead(strict: boolean): Promise<StoredManifest | undefined> {
    const from = (this.#last?.manifest.seq ?? 0) + 1;
    const length = Math.min(READ_AHEAD, Math.max(1, this.#found));
    const seqs = Array.from({ length }, (_, i) => from + i);
    const round = await Promise.all(
      seqs.map((seq, i) => (strict && i === 0 ? this.#read(seq) : this.#read(seq).catch(() => null))),
    );
    const absent = round.indexOf(null);
    this.#found = absent < 0 ? this.#found + length : 0;
    const present = absent < 0 ? round : round.slice(0, absent);
    this.#ahead.push(...present.filter((stored) => stored !== null));
    return this.#ahead[0];
  }

  async #read(seq: number): Promise<StoredManifest | null> {
    const stored = await readManifest(this.#lake, seq);
    return stored === null ? null : { ...stored, manifest: this.#take(stored.manifest) };
  }
}

function follows(previous: StoredManifest | null, next: StoredManifest): boolean {
  try {
    assertFollows(previous, next);
    return true;
  } catch {
    return false;
  }
}

function sizeOf(manifest: Manifest): { rows: number; bytes: number; files: number } {
  let rows = 0;
  let bytes = 0;
  let files = 0;
  for (const table of manifest.tables) {
    files += table.files.length;
    for (const file of table.files) {
      rows += file.rows;
      bytes += file.bytes;
    }
  }
  return { rows, bytes, files };
}
