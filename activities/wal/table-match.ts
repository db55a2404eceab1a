// Which tables the configured patterns match. Pure: patterns and rows of the catalog in; captured tables, obstacles (a
// table asked for by name that cannot be captured) and notices for the user out.

import { WalflowError } from '../../workflows/model/errors.ts';
import {
  type CapturedTable,
  parseTableId,
  type RelationColumn,
  type TableLayout,
  tableId,
} from '../../workflows/model/relation.ts';
import { type IdentityFacts, keyOf } from './table-identity.ts';

/** One relation as pg_class and its neighbours describe it. */
export interface CatalogRow extends IdentityFacts {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** pg_class.relkind: r table, p partitioned table, v view, m materialized view, f foreign table, … */
  readonly kind: string;
  /** pg_class.relpersistence: p permanent, u unlogged, t temporary. */
  readonly persistence: string;
  /** OIDs of the partitioned tables above this one. */
  readonly ancestors: readonly number[];
  /** Belongs to an extension (spatial_ref_sys and the like). */
  readonly fromExtension: boolean;
  /** May the connected role add the table to a publication? */
  readonly owned: boolean;
  readonly selectable: boolean;
  /** Row security hides rows from the connected role. */
  readonly rowSecurity: boolean;
  /** In attnum order, without dropped and generated columns: what the WAL carries. */
  readonly columns: readonly RelationColumn[];
  readonly layout: TableLayout;
}

export interface MatchedTable {
  readonly captured: CapturedTable;
  readonly row: CatalogRow;
}

export interface TableMatch {
  readonly tables: readonly MatchedTable[];
  readonly obstacles: readonly WalflowError[];
  readonly notices: readonly string[];
}

/** The schemas the patterns name: these are read from the catalog. */
export function schemasOf(patterns: readonly string[]): string[] {
  return [...new Set(patterns.flatMap((pattern) => parseTableId(pattern)?.schema ?? []))];
}

/**
 * Matches `schema.table` and `schema.*`. A wildcard takes what can be captured and skips views, members of extensions and
 * partitions (they come with their root). A table asked for by name that cannot be captured is an obstacle.
 */
export function matchPatterns(
  patterns: readonly string[],
  rows: readonly CatalogRow[],
  serverVersion: number,
): TableMatch {
  const found = new Map<number, CatalogRow>();
  const obstacles: WalflowError[] = [];
  const notices: string[] = [];
  for (const pattern of patterns) {
    const wanted = parseTableId(pattern);
    const matches = wanted === null ? [] : rows.filter((row) => isMeant(row, wanted));
    if (matches.length === 0) obstacles.push(missing(pattern, wanted !== null));
    for (const row of matches) {
      const reason = whyNot(row);
      if (reason === null) found.set(row.oid, row);
      else if (wanted?.name !== '*') obstacles.push(unsupported(row, reason));
      else notices.push(`${idOf(row)} is not captured: ${reason}`);
    }
  }
  const tables = [...found.values()].filter((row) => !row.ancestors.some((oid) => found.has(oid)));
  const matched = tables.map((row) => ({ captured: capturedOf(row, serverVersion), row }));
  matched.sort((a, b) => (a.captured.table < b.captured.table ? -1 : 1));
  return { tables: matched, obstacles, notices: [...notices, ...matched.flatMap(noticesOf)] };
}

function isMeant(row: CatalogRow, wanted: { readonly schema: string; readonly name: string }): boolean {
  if (row.schema !== wanted.schema) return false;
  if (wanted.name !== '*') return row.name === wanted.name;
  return (row.kind === 'r' || row.kind === 'p') && row.ancestors.length === 0 && !row.fromExtension;
}

function whyNot(row: CatalogRow): string | null {
  if (row.kind !== 'r' && row.kind !== 'p')
    return `it is ${KIND_NAMES[row.kind] ?? 'not a table'}, and the WAL does not carry its rows`;
  if (row.persistence === 'u')
    return 'it is unlogged, so the WAL does not carry its changes (ALTER TABLE … SET LOGGED)';
  if (row.persistence === 't') return 'it is temporary';
  if (row.columns.length === 0) return 'it has no columns';
  // From a database without an encoding: no statement could name it.
  if ([row.schema, row.name, ...row.columns.map(({ name }) => name)].some((name) => name.includes('\ufffd')))
    return 'its name or that of a column is not UTF-8';
  return null;
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  i: 'an index',
  c: 'a composite type',
};

function capturedOf(row: CatalogRow, serverVersion: number): CapturedTable {
  const keyColumns = keyOf(row, serverVersion);
  return {
    table: idOf(row),
    schema: row.schema,
    name: row.name,
    oid: row.oid,
    mode: keyColumns.length > 0 ? 'keyed' : 'append-only',
    keyColumns,
    columns: row.columns,
    replicaIdentity: row.replicaIdentity,
    layout: row.layout,
  };
}

function noticesOf({ captured, row }: MatchedTable): string[] {
  const notices: string[] = [];
  if (captured.mode === 'append-only') {
    notices.push(
      `${captured.table} has no usable key and is captured append-only: its inserts and truncates arrive, its updates and deletes do not (add a primary key, or ALTER TABLE … REPLICA IDENTITY USING INDEX …)`,
    );
  }
  if (row.kind === 'p') {
    notices.push(
      `${captured.table} is partitioned: the stream does not carry TRUNCATE of a single partition (use DELETE, or resync the table afterwards); attaching a partition with rows, detaching or dropping one needs a new snapshot of the whole table, which walflow takes by itself`,
    );
  }
  return notices;
}

function missing(pattern: string, readable: boolean): WalflowError {
  const what = readable ? `"${pattern}" matches no table` : `"${pattern}" is not of the form schema.table or schema.*`;
  return new WalflowError('SOURCE_TABLE_MISSING', what);
}

function unsupported(row: CatalogRow, reason: string): WalflowError {
  return new WalflowError('SOURCE_TABLE_UNSUPPORTED', `${idOf(row)} cannot be captured: ${reason}`);
}

const idOf = (row: CatalogRow) => tableId(row.schema, row.name);
