// Loading tables: is the snapshot complete, and which changes belong on top of it? A table becomes live inside a merge
// transaction, folded to exactly its end: the rows of its snapshot plus every change at or after R0.

import type {
  CaptureEntry,
  DataFile,
  SnapshotComplete,
  StoredManifest,
  Truncate,
} from '../../workflows/model/manifest.ts';
import type { ManifestStore } from '../lake/log.ts';
import { placed, type TableLoad, type TablePauseOrder } from '../warehouse/merge-plan.ts';
import { damageOf } from '../warehouse/table-damage.ts';
import { type PastManifest, PastManifests } from './past-manifests.ts';
import { SnapshotEnds } from './snapshot-ends.ts';

/** All are loaded in one transaction: the tables that are live wait for it, and it needs memory for all. */
const LOADS_AT_ONCE = 64;
/** A load that begins below this is taken with those before it, however large it is. */
const LOAD_BYTES = 64 * 1024 * 1024;

export class SnapshotLoads {
  readonly #ends: SnapshotEnds;
  readonly #past: PastManifests;
  readonly #rejected = new Set<string>();

  constructor(lake: ManifestStore) {
    this.#ends = new SnapshotEnds(lake);
    this.#past = new PastManifests(lake);
  }

  /** Loading tables whose snapshot is complete (or never will be) and ends at or before `endLsn` (16 hex digits): some of many. */
  async ready(loading: readonly CaptureEntry[], endLsn: string, nowMs: number): Promise<readonly CaptureEntry[]> {
    const wanted = loading.filter((entry) => !this.#rejected.has(entry.snapshot.id));
    await this.#ends.look(wanted, nowMs);
    const ready = wanted.filter((entry) => {
      const end = this.#ends.of(entry);
      return end !== undefined && (end.tag !== 'complete' || end.complete.endLsn <= endLsn);
    });
    return this.#withinBounds(ready);
  }

  #withinBounds(ready: readonly CaptureEntry[]): readonly CaptureEntry[] {
    let bytes = 0;
    let count = 0;
    for (const entry of ready) {
      if (count === LOADS_AT_ONCE || bytes >= LOAD_BYTES) break;
      const end = this.#ends.of(entry);
      if (end?.tag === 'complete') bytes += end.complete.files.reduce((sum, file) => sum + file.bytes, 0);
      count += 1;
    }
    return ready.slice(0, count);
  }

  /**
   * Everything the warehouse needs to make these tables live at the end of `window`, or without one at the watermark; and
   * those whose snapshot failed, or whose end cannot be read.
   */
  async plans(
    ready: readonly CaptureEntry[],
    beforeSeq: number,
    window: readonly StoredManifest[],
  ): Promise<{ readonly loads: readonly TableLoad[]; readonly damaged: readonly TablePauseOrder[] }> {
    const opened: OpenLoad[] = [];
    const damaged: TablePauseOrder[] = [];
    for (const entry of ready) {
      const end = this.#ends.of(entry);
      if (end?.tag === 'complete') opened.push(new OpenLoad(entry, end.complete));
      else if (end !== undefined) {
        damaged.push(end.tag === 'failed' ? end.order : damageOf(entry.table, end.failure));
        this.reject(entry);
      }
    }
    await this.#collect(opened, beforeSeq, window);
    return { loads: opened.map((load) => load.plan), damaged };
  }

  /** Notes that a snapshot cannot be completed exactly: it is not tried again. */
  reject(entry: CaptureEntry): void {
    this.#rejected.add(entry.snapshot.id);
  }

  /** @throws WalflowError LOG_BROKEN */
  async #collect(opened: readonly OpenLoad[], beforeSeq: number, window: readonly StoredManifest[]): Promise<void> {
    if (opened.length === 0) return;
    const byTable = new Map(opened.map((load) => [load.table, load]));
    const take = (manifest: PastManifest) => {
      for (const { table, schemaVersion, files } of manifest.tables) {
        byTable.get(table)?.addFiles(manifest.seq, schemaVersion, files);
      }
      for (const truncate of manifest.truncates) byTable.get(truncate.table)?.addTruncate(manifest.seq, truncate);
    };
    const fromSeq = Math.min(...opened.map((load) => load.fromSeq));
    for await (const manifest of this.#past.between(fromSeq, beforeSeq)) take(manifest);
    for (const { manifest } of window) take(manifest);
  }
}

/** A load whose changes are being collected. */
class OpenLoad {
  readonly #entry: CaptureEntry;
  readonly #complete: SnapshotComplete;
  readonly #files: DataFile[] = [];
  readonly #truncates: Truncate[] = [];

  constructor(entry: CaptureEntry, complete: SnapshotComplete) {
    this.#entry = entry;
    this.#complete = complete;
  }

  get table(): string {
    return this.#entry.table;
  }

  get fromSeq(): number {
    return this.#entry.snapshot.fromSeq;
  }

  /** Takes files in the shape of the snapshot; changes in another shape lie before its R0. */
  addFiles(seq: number, schemaVersion: string, files: readonly DataFile[]): void {
    if (seq < this.fromSeq || schemaVersion !== this.#entry.schemaVersion) return;
    this.#files.push(...files.filter((file) => file.maxCommitLsn >= this.#complete.r0Lsn));
  }

  addTruncate(seq: number, truncate: Truncate): void {
    if (seq >= this.fromSeq) this.#truncates.push(truncate);
  }

  get plan(): TableLoad {
    const { r0Lsn, files } = this.#complete;
    return { ...placed(this.#entry), r0Lsn, chunks: files, files: this.#files, truncates: this.#truncates };
  }
}
