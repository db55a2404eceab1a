// The captured tables as the running stream has described them so far. Begins with the recorded list; a table that pauses
// or gets another shape changes here first, and the next manifest records it.

import { type Lsn, lsnToHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, TablePause } from '../../workflows/model/manifest.ts';
import { type CapturedTable, type LoggedRelation, tableId } from '../../workflows/model/relation.ts';
import { beginSnapshot, reshaped } from './capture.ts';

/** A new description of a table, and where in the WAL it stands. */
interface Described {
  readonly relation: LoggedRelation;
  /** Of the transaction that is being read. */
  readonly commitLsn: Lsn;
  /** Number of the manifest that will cover it. */
  readonly seq: number;
  readonly snapshotId: string;
}

export class LiveCapture {
  readonly #byTable: Map<string, CaptureEntry>;
  readonly #byOid: ReadonlyMap<number, string>;

  constructor(recorded: readonly CaptureEntry[]) {
    this.#byTable = new Map(recorded.map((entry) => [entry.table, entry]));
    this.#byOid = new Map(recorded.map((entry) => [entry.oid, entry.table]));
  }

  get entries(): readonly CaptureEntry[] {
    return [...this.#byTable.values()];
  }

  /** Undefined when the table takes no changes because it is not captured or paused. */
  flowing(table: string): CaptureEntry | undefined {
    const entry = this.#byTable.get(table);
    return entry?.paused === undefined ? entry : undefined;
  }

  /** By name, else by oid: a renamed table is one whose description changed, not one that is not captured. */
  find(relation: LoggedRelation): CapturedTable | null {
    const name = tableId(relation.schema, relation.name);
    const renamed = this.#byOid.get(relation.oid);
    return this.#byTable.get(name) ?? (renamed === undefined ? null : (this.#byTable.get(renamed) ?? null));
  }

  pause(entry: CaptureEntry, paused: TablePause): void {
    this.#byTable.set(entry.table, { ...entry, paused });
  }

  /**
   * The table goes on in the shape the WAL describes, onto a snapshot that is still to be taken; null when the WAL is not
   * enough to go on. The snapshot comes later and contains this transaction, so its changes are not needed on top of it.
   */
  reshape(entry: CaptureEntry, { relation, commitLsn, seq, snapshotId }: Described): CaptureEntry | null {
    const table = reshaped(entry, relation);
    if (table === null) return null;
    const begun = beginSnapshot(table, { r0Lsn: lsnToHex(commitLsn + 1n), seq, id: snapshotId });
    const next: CaptureEntry = { ...begun, provisional: true };
    this.#byTable.set(entry.table, next);
    return next;
  }
}
