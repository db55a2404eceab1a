// Loading tables: is the snapshot complete, and which changes belong on top of it? A table becomes live inside a merge
// transaction, folded to exactly its end: the rows of its snapshot plus every change at or after R0.

import { WalflowError } from '../../workflows/model/errors.ts';
import type {
  CaptureEntry,
  DataFile,
  Manifest,
  SnapshotComplete,
  StoredManifest,
  Truncate,
} from '../../workflows/model/manifest.ts';
import { type ManifestStore, readManifest } from '../lake/log.ts';
import { decodeSnapshotComplete, decodeSnapshotFailure } from '../lake/manifest-codec.ts';
import { snapshotCompleteKey, snapshotFailedKey } from '../lake/object-key.ts';
import { placed, type TableLoad, type TablePauseOrder } from '../warehouse/merge-plan.ts';
import { damageOf } from '../warehouse/table-damage.ts';

/** How often to look whether a snapshot has become complete. */
const LOOK_EVERY_MS = 500;
/** Snapshots seldom fail, so only every n-th look checks for that too. */
const LOOKS_A_FAILURE = 4;
const MANIFESTS_AT_ONCE = 16;

export class SnapshotLoads {
  readonly #lake: ManifestStore;
  readonly #complete = new Map<string, SnapshotComplete>();
  /** Why the end of a snapshot cannot be read; `plans` reports it. */
  readonly #unreadable = new Map<string, unknown>();
  /** Snapshots that failed because of a row. */
  readonly #failed = new Map<string, TablePauseOrder>();
  readonly #rejected = new Set<string>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looks = 0;

  constructor(lake: ManifestStore) {
    this.#lake = lake;
  }

  /** The loading tables whose snapshot is complete (or never will be) and ends at or before `endLsn` (16 hex digits). */
  async ready(loading: readonly CaptureEntry[], endLsn: string, nowMs: number): Promise<readonly CaptureEntry[]> {
    const wanted = loading.filter((entry) => !this.#rejected.has(entry.snapshot.id));
    const unknown = wanted.filter((entry) => !this.#complete.has(entry.snapshot.id));
    if (unknown.length > 0 && nowMs - this.#lookedMs >= LOOK_EVERY_MS) {
      this.#lookedMs = nowMs;
      const rarely = this.#looks++ % LOOKS_A_FAILURE === 0;
      await Promise.all(unknown.map((entry) => this.#look(entry, rarely)));
    }
    return wanted.filter((entry) => {
      const complete = this.#complete.get(entry.snapshot.id);
      if (complete === undefined) return this.#unreadable.has(entry.snapshot.id) || this.#failed.has(entry.snapshot.id);
      return complete.endLsn <= endLsn;
    });
  }

  /** Loads of the tables that are ready; and those whose snapshot's end cannot be read. */
  async plans(
    ready: readonly CaptureEntry[],
    beforeSeq: number,
    window: readonly StoredManifest[],
  ): Promise<{ readonly loads: readonly TableLoad[]; readonly damaged: readonly TablePauseOrder[] }> {
    const loads: TableLoad[] = [];
    const damaged: TablePauseOrder[] = [];
    for (const entry of ready) {
      const failed = this.#failed.get(entry.snapshot.id);
      if (failed !== undefined) {
        damaged.push(failed);
        this.reject(entry);
        continue;
      }
      try {
        loads.push(await this.#plan(entry, beforeSeq, window));
      } catch (failure) {
        damaged.push(damageOf(entry.table, failure));
        this.reject(entry);
      }
    }
    return { loads, damaged };
  }

  /** Everything the warehouse needs to make a table live at the end of `window`, or without one at the watermark. */
  async #plan(entry: CaptureEntry, beforeSeq: number, window: readonly StoredManifest[]): Promise<TableLoad> {
    const complete = this.#complete.get(entry.snapshot.id);
    if (complete === undefined) throw this.#unreadable.get(entry.snapshot.id);
    const files: DataFile[] = [];
    const truncates: Truncate[] = [];
    for await (const { manifest } of this.#manifests(entry.snapshot.fromSeq, beforeSeq, window)) {
      truncates.push(...manifest.truncates.filter((truncate) => truncate.table === entry.table));
      files.push(...filesOf(manifest, entry).filter((file) => file.maxCommitLsn >= complete.r0Lsn));
    }
    return { ...placed(entry), r0Lsn: complete.r0Lsn, chunks: complete.files, files, truncates };
  }

  /** Notes that a snapshot cannot be completed exactly: it is not tried again. */
  reject(entry: CaptureEntry): void {
    this.#rejected.add(entry.snapshot.id);
  }

  /** @throws WalflowError LOG_BROKEN when a manifest is gone: without its changes the table would be wrong for ever. */
  async *#manifests(
    fromSeq: number,
    beforeSeq: number,
    window: readonly StoredManifest[],
  ): AsyncGenerator<StoredManifest> {
    for (let seq = fromSeq; seq < beforeSeq; seq += MANIFESTS_AT_ONCE) {
      const count = Math.min(MANIFESTS_AT_ONCE, beforeSeq - seq);
      const read = Array.from({ length: count }, (_, i) => this.#manifest(seq + i));
      for (const stored of await Promise.all(read)) yield stored;
    }
    for (const stored of window) if (stored.manifest.seq >= fromSeq) yield stored;
  }

  async #manifest(seq: number): Promise<StoredManifest> {
    const stored = await readManifest(this.#lake, seq);
    if (stored === null) throw new WalflowError('LOG_BROKEN', `manifest ${seq} is gone, but later ones exist`);
    return stored;
  }

  async #look(entry: CaptureEntry, forFailure: boolean): Promise<void> {
    const key = snapshotCompleteKey(entry, entry.snapshot.id);
    const body = await this.#lake.get(key);
    if (body === null) {
      if (forFailure) await this.#lookForFailure(entry);
      return;
    }
    try {
      this.#complete.set(entry.snapshot.id, decodeSnapshotComplete(body, key));
    } catch (failure) {
      this.#unreadable.set(entry.snapshot.id, failure);
    }
  }

  async #lookForFailure({ table, schema, name, snapshot }: CaptureEntry): Promise<void> {
    const key = snapshotFailedKey({ schema, name }, snapshot.id);
    const body = await this.#lake.get(key);
    if (body === null) return;
    const { code, reason } = decodeSnapshotFailure(body, key);
    this.#failed.set(snapshot.id, { table, code, reason });
  }
}

/** Files in the shape of the snapshot; changes in another shape lie before its R0. */
function filesOf(manifest: Manifest, { table, schemaVersion }: CaptureEntry): readonly DataFile[] {
  return manifest.tables.filter((t) => t.table === table && t.schemaVersion === schemaVersion).flatMap((t) => t.files);
}
