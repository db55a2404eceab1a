// Which tables are captured, and onto which copy the log's changes are folded. Pure: catalog and the recorded list in,
// the new list out. A table gets a new copy when it is new, when its columns or identity changed, or when asked.

import type { CaptureEntry } from '../workflows/model/manifest.ts';
import { type CapturedTable, sameShape } from '../workflows/model/relation.ts';
import { schemaVersionOf } from './schema-version.ts';

interface CaptureInput {
  /** What the catalog says now. */
  readonly catalog: readonly CapturedTable[];
  /** What the log records. */
  readonly captured: readonly CaptureEntry[];
  readonly resync: ReadonlySet<string>;
  /** Read from the server after slot and publication existed. */
  readonly r0Lsn: string;
  /** Number of the manifest that will record this. */
  readonly seq: number;
  readonly newId: () => string;
}

/** The list to record, and whether it differs from the recorded one. */
export function reconcileCapture(input: CaptureInput): { capture: readonly CaptureEntry[]; changed: boolean } {
  const recorded = new Map(input.captured.map((entry) => [entry.table, entry]));
  let changed = recorded.size !== input.catalog.length;
  const capture = input.catalog.map((table) => {
    const entry = recorded.get(table.table);
    if (entry !== undefined && !needsCopy(entry, table, input.resync)) return entry;
    changed = true;
    return {
      ...table,
      schemaVersion: schemaVersionOf(table),
      snapshot: {
        id: `${String(input.seq).padStart(8, '0')}-${input.newId()}`,
        r0Lsn: input.r0Lsn,
        fromSeq: input.seq,
      },
    };
  });
  return { capture, changed };
}

function needsCopy(entry: CaptureEntry, table: CapturedTable, resync: ReadonlySet<string>): boolean {
  return (
    resync.has(table.table) ||
    entry.paused?.code === 'TABLE_SHAPE_CHANGED' ||
    entry.mode !== table.mode ||
    entry.keyColumns.join('\n') !== table.keyColumns.join('\n') ||
    !sameShape(table, entry)
  );
}
