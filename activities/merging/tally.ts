// What one merge activity did, so that the workflow's history alone shows which positions a run merged.

import type { LsnHex } from '../../workflows/model/lsn.ts';
import type { StoredManifest } from '../../workflows/model/manifest.ts';
import type { MergeResult } from '../../workflows/model/run.ts';

export class MergeTally {
  #seqFrom = 0;
  #seqTo = 0;
  #lsnFrom = '';
  #lsnTo = '';
  #windows = 0;
  readonly #rows = new Map<string, number>();
  /** Snapshots that cannot be completed, by table. */
  readonly #rejected = new Map<string, { readonly snapshotId: string; readonly isNew: boolean }>();

  /** Counts one committed window. */
  add(manifests: readonly StoredManifest[], rows: Readonly<Record<string, number>>): void {
    const first = manifests[0]?.manifest;
    const last = manifests.at(-1)?.manifest;
    if (first !== undefined && last !== undefined) {
      if (this.#windows === 0) {
        this.#seqFrom = first.seq;
        this.#lsnFrom = first.startLsn;
      }
      this.#seqTo = last.seq;
      this.#lsnTo = last.endLsn;
      this.#windows += 1;
    }
    for (const [table, count] of Object.entries(rows)) this.#rows.set(table, (this.#rows.get(table) ?? 0) + count);
  }

  /** Notes a snapshot that cannot be completed exactly; `isNew` unless an earlier run has reported it. */
  reject(table: string, snapshotId: string, isNew: boolean): void {
    this.#rejected.set(table, { snapshotId, isNew });
  }

  /** A new snapshot of the table has begun, so none needs to be asked for. */
  beganAgain(table: string): void {
    this.#rejected.delete(table);
  }

  /** Is there a table for which no new snapshot has been asked for yet? */
  get hasNewRejected(): boolean {
    return [...this.#rejected.values()].some(({ isNew }) => isNew);
  }

  /** Heartbeat details: only for people, never read back. */
  progress(): { seqTo: number; windows: number } {
    return { seqTo: this.#seqTo, windows: this.#windows };
  }

  result(mergedLsn: LsnHex, more: boolean): MergeResult {
    const merged =
      this.#windows === 0
        ? null
        : {
            seqFrom: this.#seqFrom,
            seqTo: this.#seqTo,
            lsnFrom: this.#lsnFrom,
            lsnTo: this.#lsnTo,
            windows: this.#windows,
            rows: Object.fromEntries(this.#rows),
          };
    // A run that ended early because of new ones leaves out the others: those were asked for a moment ago.
    const endedEarly = this.hasNewRejected;
    const resync = [...this.#rejected].flatMap(([table, { isNew }]) => (isNew || !endedEarly ? [table] : []));
    const rejected = [...this.#rejected.values()].map(({ snapshotId }) => snapshotId);
    return { merged, mergedLsn, more, resync, rejected };
  }
}
