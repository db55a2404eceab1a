// A relation = a captured table as the log describes it. Two sources tell us about a table: the catalog (now) and the
// Relation message (as of the position being decoded). What both say must agree, else the table is copied again.

import type { TypedColumn } from './column-type.ts';

/** pg_class.relreplident: default (primary key), nothing, full row, a unique index. */
export type ReplicaIdentity = 'd' | 'n' | 'f' | 'i';

export interface RelationColumn extends TypedColumn {
  readonly name: string;
}

/** How log and catalog both describe a table. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly replicaIdentity: ReplicaIdentity;
  readonly columns: readonly RelationColumn[];
}

/** What a pgoutput Relation message ('R') says. */
export interface LoggedRelation extends Relation {
  /** Names of the columns the server tells old rows apart by; all of them under replica identity full. */
  readonly identityColumns: readonly string[];
}

/**
 * What the catalog tells of a table beyond its shape: whether DDL can have given its rows other values without a word in
 * the log (a column dropped and added under the same name, a column rewritten by an expression of the same type).
 */
export interface TableLayout {
  /** pg_attribute.attnum of the logged columns, in their order. */
  readonly columnNumbers: readonly number[];
  /** Digest of pg_attribute's row versions: changes with every ALTER of a column. */
  readonly attributes: string;
  /** Digest of the table's files, all partitions' (pg_class.relfilenode): changes with every rewrite, also by TRUNCATE. */
  readonly storage: string;
  /**
   * The leaf partitions, in the order of their OIDs; none for an ordinary table. `oid/xid`, for the transaction that made
   * it one (of each level); `+` behind one that may have brought rows along. Absent in what older versions recorded.
   */
  readonly leaves?: readonly string[];
}

const FILLED = '+';

/** keyed = merged by key; append-only = no usable replica identity: inserts and truncates only. */
export type CaptureMode = 'keyed' | 'append-only';

/** A table walflow captures: identity, columns in log order, and the key it is merged by. */
export interface CapturedTable {
  /** `tableId(schema, name)`: the one name used in manifests, configuration, API and logs. */
  readonly table: string;
  readonly schema: string;
  readonly name: string;
  readonly oid: number;
  readonly mode: CaptureMode;
  /** Names, in key order; empty for append-only. */
  readonly keyColumns: readonly string[];
  readonly columns: readonly RelationColumn[];
  readonly replicaIdentity: ReplicaIdentity;
  /** Absent where only the log has described the table so far. */
  readonly layout?: TableLayout;
}

/** Two names are one in a warehouse where this is equal: letters outside ASCII keep their case (`É` and `é` are two). */
export function foldedName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

const escapeName = (name: string) => name.replaceAll('%', '%25').replaceAll('.', '%2E');
const unescapeName = (name: string) => name.replaceAll('%2E', '.').replaceAll('%25', '%');

/** `public.orders`; a dot or percent sign inside a name is percent-encoded, so two tables never share an id. */
export function tableId(schema: string, name: string): string {
  return `${escapeName(schema)}.${escapeName(name)}`;
}

/** A table by its own names, not encoded. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** The inverse of `tableId`; null when the text is not `schema.table`. */
export function parseTableId(id: string): TableName | null {
  const parts = id.split('.');
  const [schema, name] = parts;
  if (parts.length !== 2 || !schema || !name) return null;
  return { schema: unescapeName(schema), name: unescapeName(name) };
}

/** Do the log's description and the captured table still mean the same columns, in the same order? */
export function sameShape(relation: Relation, captured: CapturedTable): boolean {
  return (
    relation.oid === captured.oid &&
    relation.replicaIdentity === captured.replicaIdentity &&
    relation.columns.length === captured.columns.length &&
    relation.columns.every((column, i) => {
      const other = captured.columns[i];
      return (
        other !== undefined &&
        column.name === other.name &&
        column.typeOid === other.typeOid &&
        column.typeModifier === other.typeModifier
      );
    })
  );
}

/**
 * Does the log name old rows by the key the table is merged by? Under replica identity full it does not say: the catalog
 * has to notice. The same for an index chosen for a partitioned table, whose partitions log by their own primary keys.
 */
export function sameKey({ identityColumns, replicaIdentity }: LoggedRelation, captured: CapturedTable): boolean {
  if (captured.mode === 'append-only' || replicaIdentity === 'f') return true;
  if (replicaIdentity === 'i' && captured.layout?.leaves?.length !== 0) return true;
  const { keyColumns } = captured;
  return keyColumns.length === identityColumns.length && keyColumns.every((name) => identityColumns.includes(name));
}

/**
 * Are the rows still those that were copied, as far as DDL goes? A table whose files alone changed (TRUNCATE, VACUUM FULL)
 * or whose columns alone were altered (SET STATISTICS) keeps its values; both together can be a rewrite. So can a partition
 * that is gone, or that came with rows: the log does not tell of those.
 */
export function sameValues(before: TableLayout | undefined, now: TableLayout | undefined): boolean {
  if (before === undefined || now === undefined) return true;
  if (before.columnNumbers.join() !== now.columnNumbers.join()) return false;
  if (before.leaves !== undefined && now.leaves !== undefined && !sameLeaves(before.leaves, now.leaves)) return false;
  return before.attributes === now.attributes || before.storage === now.storage;
}

/** Are the same tables partitions, by the same transactions, whatever they brought along? */
export function samePartitions(before: TableLayout, now: TableLayout): boolean {
  return before.leaves?.map(linkOf).join() === now.leaves?.map(linkOf).join();
}

function sameLeaves(before: readonly string[], now: readonly string[]): boolean {
  const known = new Set(before.map(linkOf));
  const linked = new Set(now.map(linkOf));
  const fromOutside = now.filter((leaf) => leaf.endsWith(FILLED)).map(linkOf);
  return [...known].every((leaf) => linked.has(leaf)) && fromOutside.every((leaf) => known.has(leaf));
}

const linkOf = (leaf: string) => (leaf.endsWith(FILLED) ? leaf.slice(0, -FILLED.length) : leaf);
