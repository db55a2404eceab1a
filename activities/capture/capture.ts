// Which tables are captured, and onto which copy the log's changes are folded. Pure: catalog and the recorded list in,
// the new list out. A table gets a new copy when it is new, when its columns, identity or values changed, or when asked.

import type { LsnHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, TablePause } from '../../workflows/model/manifest.ts';
import {
  type CapturedTable,
  type LoggedRelation,
  sameKey,
  samePartitions,
  sameShape,
  sameValues,
} from '../../workflows/model/relation.ts';
import { schemaVersionOf } from './schema-version.ts';

/** Codes of tables whose rows may not be read. */
export const UNREADABLE: readonly string[] = ['SOURCE_PERMISSION_DENIED', 'SOURCE_ROW_SECURITY'];

/** With `newTables: 'ignore'` a pattern stands for the tables it matched at first; those named outright always count. */
export function isWanted(
  table: string,
  { tables, newTables }: { readonly tables: readonly string[]; readonly newTables: 'add' | 'ignore' },
): boolean {
  return newTables === 'add' || tables.includes(table);
}

interface CaptureInput {
  /** What the catalog says now. */
  readonly catalog: readonly CapturedTable[];
  /** What the log records. */
  readonly captured: readonly CaptureEntry[];
  readonly resync: ReadonlySet<string>;
  /** Tables whose rows may not be read, and why: they pause. */
  readonly unreadable: ReadonlyMap<string, Pick<TablePause, 'code'> & { readonly message: string }>;
  /** Where the log ends: a table that pauses now lacks what comes after it. */
  readonly endLsn: LsnHex;
  /** Read from the server after slot and publication existed. */
  readonly r0Lsn: string;
  /** Number of the manifest that will record this. */
  readonly seq: number;
  readonly newId: () => string;
}

/** The list to record, and whether it differs from the recorded one. */
export function reconcileCapture(input: CaptureInput): { capture: readonly CaptureEntry[]; changed: boolean } {
  const recorded = new Map(input.captured.map((entry) => [entry.table, entry]));
  const capture = input.catalog.map((table) => nextEntry(table, recorded.get(table.table), input));
  const kept = capture.filter((entry) => recorded.get(entry.table) === entry);
  return { capture, changed: kept.length !== recorded.size || kept.length !== capture.length };
}

function nextEntry(table: CapturedTable, entry: CaptureEntry | undefined, input: CaptureInput): CaptureEntry {
  const { r0Lsn, seq, newId, resync } = input;
  const outdated = entry === undefined || resync.has(table.table) || needsCopy(entry, table);
  const obstacle = input.unreadable.get(table.table);
  if (obstacle !== undefined && (outdated || entry.paused === undefined)) {
    if (entry?.paused?.code === obstacle.code && sameTable(entry, table)) return entry;
    const paused = { code: obstacle.code, reason: obstacle.message, commitLsn: input.endLsn };
    const base = entry !== undefined && sameTable(entry, table) ? entry : beginCopy(table, { r0Lsn, seq, id: newId() });
    return { ...base, paused };
  }
  if (outdated) return beginCopy(table, { r0Lsn, seq, id: newId() });
  const { layout } = table;
  return layout === undefined || entry.provisional || sameParts(entry, table) ? entry : { ...entry, layout };
}

function needsCopy(entry: CaptureEntry, table: CapturedTable): boolean {
  if (ENDS_BY_ITSELF.has(entry.paused?.code ?? '') || !sameTable(entry, table)) return true;
  // Rows may have been rewritten since the log described them: R0 has to lie behind what the catalog says now.
  return entry.provisional === true && entry.paused === undefined;
}

/** Pauses that nobody has to end: the table is copied again as soon as it can be. */
const ENDS_BY_ITSELF = new Set(['TABLE_SHAPE_CHANGED', 'PUBLICATION_CHANGED', ...UNREADABLE]);

/** Is everything recorded that later looks are compared with? A new partition has to be known for its end to be seen. */
export function sameParts(entry: CapturedTable, { layout }: CapturedTable): boolean {
  return layout === undefined || (entry.layout !== undefined && samePartitions(entry.layout, layout));
}

/** Does the catalog still describe what is captured: the same columns, key and mode, and rows no DDL has rewritten? */
export function sameTable(captured: CapturedTable, now: CapturedTable): boolean {
  return (
    captured.mode === now.mode &&
    captured.keyColumns.join('\n') === now.keyColumns.join('\n') &&
    sameShape(now, captured) &&
    sameValues(captured.layout, now.layout)
  );
}

interface CopyStart {
  readonly r0Lsn: LsnHex;
  /** Number of the manifest that records it. */
  readonly seq: number;
  readonly id: string;
}

/** The table with a new copy, still to be made. */
export function beginCopy(table: CapturedTable, { r0Lsn, seq, id }: CopyStart): CaptureEntry {
  return {
    ...table,
    schemaVersion: schemaVersionOf(table),
    snapshot: { id: `${String(seq).padStart(8, '0')}-${id}`, r0Lsn, fromSeq: seq },
  };
}

/**
 * A captured table as the log describes it now; null when the log alone cannot tell how to go on (renamed, made anew, its
 * identity or key changed): then the catalog decides.
 */
export function reshaped(captured: CapturedTable, relation: LoggedRelation): CapturedTable | null {
  const names = new Set(relation.columns.map((column) => column.name));
  const known =
    relation.oid === captured.oid &&
    relation.schema === captured.schema &&
    relation.name === captured.name &&
    relation.replicaIdentity === captured.replicaIdentity &&
    sameKey(relation, captured) &&
    captured.keyColumns.every((column) => names.has(column));
  if (!known) return null;
  const { table, schema, name, oid, mode, keyColumns, replicaIdentity } = captured;
  return { table, schema, name, oid, mode, keyColumns, columns: relation.columns, replicaIdentity };
}
