// Tables, as described by two sources: the catalog (as they are now) and Relation messages in the WAL (as of the position
// being decoded). Where the two disagree, the table gets a new snapshot.

import type { TypedColumn } from './column-type.ts';

/** pg_class.relreplident: default (primary key), nothing, full row, a unique index. */
export type ReplicaIdentity = 'd' | 'n' | 'f' | 'i';

export interface RelationColumn extends TypedColumn {
  readonly name: string;
}

/** What both the WAL and the catalog say about a table. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly replicaIdentity: ReplicaIdentity;
  readonly columns: readonly RelationColumn[];
}

/** A table as a Relation message ('R') of pgoutput describes it. */
export interface LoggedRelation extends Relation {
  /** Names of the columns that identify old rows; all columns under replica identity full. */
  readonly identityColumns: readonly string[];
}

/**
 * What else the catalog says about a table. It shows DDL that can change values without a change in the WAL: a column
 * dropped and added under the same name, a column rewritten by an expression of the same type.
 */
export interface TableLayout {
  /** pg_attribute.attnum of the columns in the WAL, in their order. */
  readonly columnNumbers: readonly number[];
  /** Digest of the row versions in pg_attribute: changes with every ALTER of a column. */
  readonly attributes: string;
  /** Digest of the files of table and partitions (pg_class.relfilenode): changes with every rewrite, also by TRUNCATE. */
  readonly storage: string;
  /**
   * The leaf partitions in order of their OIDs; none for an ordinary table. Each is `oid/xid` with the transaction that
   * attached it (one for each level), and a `+` at the end if it may have had rows then. Older versions did not record this.
   */
  readonly leaves?: readonly string[];
  /**
   * What the text of a value depends on outside the table, each as `what:digest`: labels of enums, attributes of composite
   * types, base types of domains, the order of the key. Older versions did not record this.
   */
  readonly dependencies?: readonly string[];
}

const FILLED = '+';

/** keyed = merged by key; append-only = no usable replica identity: inserts and truncates only. */
export type CaptureMode = 'keyed' | 'append-only';

/** A captured table: identity, columns in the order of the WAL, and the key by which it is merged. */
export interface CapturedTable {
  /** `tableId(schema, name)`: its name in manifests, configuration, API and messages. */
  readonly table: string;
  readonly schema: string;
  readonly name: string;
  readonly oid: number;
  readonly mode: CaptureMode;
  /** Names, in key order; empty for append-only. */
  readonly keyColumns: readonly string[];
  readonly columns: readonly RelationColumn[];
  readonly replicaIdentity: ReplicaIdentity;
  /** Absent while only the WAL has described the table. */
  readonly layout?: TableLayout;
}

/** Names with the same result are one name in a warehouse: letters outside ASCII keep their case (`É` and `é` are two). */
export function foldedName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

const escapeName = (name: string) => name.replaceAll('%', '%25').replaceAll('.', '%2E');
const unescapeName = (name: string) => name.replaceAll('%2E', '.').replaceAll('%25', '%');

/** `public.orders`; a dot or percent sign in a name is percent-encoded, so two tables never share an id. */
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

/** Does a table still have the captured columns, in the same order? */
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
 * Does the WAL identify old rows by the key that the table is merged by? Under replica identity full it does not show, so
 * the catalog has to. The same for an index chosen for a partitioned table, whose partitions use their own primary keys.
 */
export function sameKey({ identityColumns, replicaIdentity }: LoggedRelation, captured: CapturedTable): boolean {
  if (captured.mode === 'append-only' || replicaIdentity === 'f') return true;
  if (replicaIdentity === 'i' && captured.layout?.leaves?.length !== 0) return true;
  const { keyColumns } = captured;
  return keyColumns.length === identityColumns.length && keyColumns.every((name) => identityColumns.includes(name));
}

/**
 * Has no DDL changed the rows? If only the files changed (TRUNCATE, VACUUM FULL) or only columns were altered (SET
 * STATISTICS), values are the same; both together can be a rewrite. A partition that is gone or that came with rows also
 * changes the rows, and the WAL does not show it.
 */
export function sameValues(before: TableLayout | undefined, now: TableLayout | undefined): boolean {
  if (before === undefined || now === undefined) return true;
  if (before.columnNumbers.join() !== now.columnNumbers.join()) return false;
  if (before.leaves !== undefined && now.leaves !== undefined && !sameLeaves(before.leaves, now.leaves)) return false;
  if (!sameTexts(before, now)) return false;
  return before.attributes === now.attributes || before.storage === now.storage;
}

/** Does each value still have the same text? An added label changes none, a renamed one changes many. */
export function sameTexts(before: TableLayout | undefined, now: TableLayout | undefined): boolean {
  if (before?.dependencies === undefined || now?.dependencies === undefined) return true;
  const left = new Set(now.dependencies);
  return before.dependencies.every((dependency) => left.has(dependency));
}

/**
 * Is everything recorded that a look finds? The same tables are partitions, attached by the same transactions, whether or not
 * they had rows, and values depend on the same things.
 */
export function sameRecord(before: TableLayout, now: TableLayout): boolean {
  return (
    before.leaves?.map(linkOf).join() === now.leaves?.map(linkOf).join() &&
    before.dependencies?.join() === now.dependencies?.join()
  );
}

function sameLeaves(before: readonly string[], now: readonly string[]): boolean {
  const known = new Set(before.map(linkOf));
  const linked = new Set(now.map(linkOf));
  const fromOutside = now.filter((leaf) => leaf.endsWith(FILLED)).map(linkOf);
  return [...known].every((leaf) => linked.has(leaf)) && fromOutside.every((leaf) => known.has(leaf));
}

const linkOf = (leaf: string) => (leaf.endsWith(FILLED) ? leaf.slice(0, -FILLED.length) : leaf);
