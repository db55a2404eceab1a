// Which tables are captured, and onto which snapshot their changes are folded. Pure: catalog and recorded list in, new list
// out. A table gets a new snapshot when it is new, when its columns, identity or values changed, or on request.

import type { LsnHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, TablePause } from '../../workflows/model/manifest.ts';
import {
  type CapturedTable,
  type LoggedRelation,
  sameKey,
  sameRecord,
  sameShape,
  sameValues,
} from '../../workflows/model/relation.ts';
import { schemaVersionOf } from './schema-version.ts';

/** Codes of tables whose rows the role may not read. */
export const UNREADABLE: readonly string[] = ['SOURCE_PERMISSION_DENIED', 'SOURCE_ROW_SECURITY'];

/** With `newTables: 'ignore'` a pattern means the tables it matched at first; tables listed by name always count. */
export function isWanted(
  table: string,
  { tables, newTables }: { readonly tables: readonly string[]; readonly newTables: 'add' | 'ignore' },
): boolean {
  return newTables === 'add' || tables.includes(table);
}

interface CaptureInput {
  /** The catalog as it is now. */
  readonly catalog: readonly CapturedTable[];
  /** As recorded in the manifest log. */
  readonly captured: readonly CaptureEntry[];
  readonly resync: ReadonlySet<string>;
  /** Tables whose next snapshot is read in one transaction. */
  readonly exact: ReadonlySet<string>;
  /** Tables whose rows the role may not read, and why: they pause. */
  readonly unreadable: ReadonlyMap<string, Pick<TablePause, 'code'> & { readonly message: string }>;
  /** End of the manifest log: a table that pauses now lacks what comes after it. */
  readonly endLsn: LsnHex;
  /** Read from the server once slot and publication existed. */
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
  const { r0Lsn, seq, resync } = input;
  const begin = () => beginSnapshot(table, { r0Lsn, seq, id: input.newId(), exact: input.exact.has(table.table) });
  const outdated = entry === undefined || resync.has(table.table) || needsSnapshot(entry, table);
  const obstacle = input.unreadable.get(table.table);
  if (obstacle !== undefined && (outdated || entry.paused === undefined)) {
    if (entry?.paused?.code === obstacle.code && sameTable(entry, table)) return entry;
    const paused = { code: obstacle.code, reason: obstacle.message, commitLsn: input.endLsn };
    const base = entry !== undefined && sameTable(entry, table) ? entry : begin();
    return { ...base, paused };
  }
  if (outdated) return begin();
  const { layout } = table;
  return layout === undefined || entry.provisional || isRecorded(entry, table) ? entry : { ...entry, layout };
}

function needsSnapshot(entry: CaptureEntry, table: CapturedTable): boolean {
  if (ENDS_BY_ITSELF.has(entry.paused?.code ?? '') || !sameTable(entry, table)) return true;
  // Rows may have been rewritten since the WAL described them: R0 has to lie after what the catalog shows now.
  return entry.provisional === true && entry.paused === undefined;
}

/** Pauses that end by themselves: the table gets a new snapshot as soon as possible. */
const ENDS_BY_ITSELF = new Set(['TABLE_SHAPE_CHANGED', 'PUBLICATION_CHANGED', ...UNREADABLE]);

/** Does the record hold all partitions and labels? Only if one is recorded can a later look see that it is gone. */
export function isRecorded(entry: CapturedTable, { layout }: CapturedTable): boolean {
  return layout === undefined || (entry.layout !== undefined && sameRecord(entry.layout, layout));
}

/** Does the catalog still describe the captured table: same columns, key and mode, and no rows rewritten by DDL? */
export function sameTable(captured: CapturedTable, now: CapturedTable): boolean {
  return (
    captured.mode === now.mode &&
    captured.keyColumns.join('\n') === now.keyColumns.join('\n') &&
    sameShape(now, captured) &&
    sameValues(captured.layout, now.layout)
  );
}

interface SnapshotStart {
  readonly r0Lsn: LsnHex;
  /** Number of the manifest that records it. */
  readonly seq: number;
  readonly id: string;
  /** Read it in one transaction, although it has a key. */
  readonly exact?: boolean;
}

/** Is its snapshot read in chunks by key? Else in one transaction. */
export const isReadInChunks = ({ mode, snapshot }: CaptureEntry) => mode === 'keyed' && snapshot.exact !== true;

/** The table with a new snapshot, which is still to be taken. */
export function beginSnapshot(table: CapturedTable, { r0Lsn, seq, id, exact = false }: SnapshotStart): CaptureEntry {
  const snapshot = { id: `${String(seq).padStart(8, '0')}-${id}`, r0Lsn, fromSeq: seq };
  return {
    ...table,
    schemaVersion: schemaVersionOf(table),
    snapshot: exact && table.mode === 'keyed' ? { ...snapshot, exact } : snapshot,
  };
}

/**
 * A captured table as the WAL describes it now; null when that is not enough to go on (it was renamed or created again, or
 * its identity or key changed): then the catalog decides.
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
