// The captured tables of a running stream, as its own log describes them so far. Begins with the recorded list; a table
// that is paused, or described differently, changes here first and is recorded by the next manifest.

import { type Lsn, lsnToHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, TablePause } from '../../workflows/model/manifest.ts';
import { type CapturedTable, type LoggedRelation, tableId } from '../../workflows/model/relation.ts';
import { beginCopy, reshaped } from './capture.ts';

/** Where the log describes a table anew. */
interface Described {
  readonly relation: LoggedRelation;
  /** The transaction that was being read. */
  readonly commitLsn: Lsn;
  /** Number of the manifest that will cover it. */
  readonly seq: number;
  readonly copyId: string;
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

  /** Undefined when the table takes no changes: nobody captures it, or it is paused. */
  flowing(table: string): CaptureEntry | undefined {
    const entry = this.#byTable.get(table);
    return entry?.paused === undefined ? entry : undefined;
  }

  /** By name, else by oid: a renamed table is one whose description changed, not one that nobody captures. */
  find(relation: LoggedRelation): CapturedTable | null {
    const name = tableId(relation.schema, relation.name);
    const renamed = this.#byOid.get(relation.oid);
    return this.#byTable.get(name) ?? (renamed === undefined ? null : (this.#byTable.get(renamed) ?? null));
  }

  pause(entry: CaptureEntry, paused: TablePause): void {
    this.#byTable.set(entry.table, { ...entry, paused });
  }

  /**
   * The table goes on in the shape the log describes, onto a copy still to be made; null when the log alone cannot tell
   * how. The copy is read later, so it holds this transaction: whatever shapes its changes have, none is needed on top.
   */
  reshape(entry: CaptureEntry, { relation, commitLsn, seq, copyId }: Described): CaptureEntry | null {
    const table = reshaped(entry, relation);
    if (table === null) return null;
    const copy = beginCopy(table, { r0Lsn: lsnToHex(commitLsn + 1n), seq, id: copyId });
    const next: CaptureEntry = { ...copy, provisional: true };
    this.#byTable.set(entry.table, next);
    return next;
  }
}
