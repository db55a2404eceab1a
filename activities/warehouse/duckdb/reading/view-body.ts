// What is behind the name of a view. ⚠ A query names a view like a table, so whatever a query may not do, the view's own SQL
// may not do either, and it counts as part of the query when its values could grow. Views are only made by the configuration.

import type { DuckDBConnection } from '@duckdb/node-api';
import type { ViewAsset } from '../../../../workflows/model/asset/graph.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { foldedName, type TableName } from '../../../../workflows/model/relation.ts';
import { folded } from '../identifier.ts';
import { queryParts } from './growth.ts';
import { parseQuery } from './parse.ts';
import { placeOf } from './read-place.ts';

/** A view that exists. */
export interface ReadView {
  readonly place: TableName;
  /** A SELECT. */
  readonly sql: string;
  /** Its parse tree. */
  readonly tree: unknown;
}

/**
 * Examines the SQL of a view like a query of a reader.
 * @throws WalflowError QUERY_NOT_READ_ONLY, QUERY_FORBIDDEN, QUERY_INVALID
 */
export async function parseView(
  connection: DuckDBConnection,
  { place, reads }: ViewAsset,
  sql: string,
): Promise<ReadView> {
  const tree = await parseQuery(connection, sql);
  const { tables, readsCatalog } = queryParts(tree, new Set(), []);
  if (readsCatalog) throw new WalflowError('QUERY_FORBIDDEN', 'a view may not ask which tables there are');
  const declared = new Set(reads.map(({ from }) => folded(from.place)));
  const existing = await namesOfTables(connection);
  const inner = namesOfCtes(tree);
  const other = tables.find((table) => {
    const name = folded(placeOf(table));
    return existing.has(name) && !declared.has(name) && !(table.schema === '' && inner.has(foldedName(table.name)));
  });
  if (other === undefined) return { place, sql, tree };
  const { schema, name } = placeOf(other);
  throw new WalflowError('QUERY_FORBIDDEN', `it reads ${schema}.${name}, which is not in deps`);
}

async function namesOfTables(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  const reader = await connection.runAndReadAll(
    `select schema_name, table_name from duckdb_tables()
     union select schema_name, view_name from duckdb_views() where not internal`,
  );
  return new Set(reader.getRows().map(([schema, name]) => folded({ schema: String(schema), name: String(name) })));
}

/** The trees of a query and of all views that it names, also of those that these name. */
export function withViews(tree: unknown, views: readonly ReadView[]): readonly unknown[] {
  const trees: unknown[] = [tree];
  if (views.length === 0) return trees;
  const known = new Map(views.map((view) => [folded(view.place), view]));
  for (const next of trees) {
    for (const table of queryParts(next, new Set(), []).tables) {
      const name = folded(placeOf(table));
      const view = known.get(name);
      known.delete(name);
      if (view !== undefined) trees.push(view.tree);
    }
  }
  return trees;
}

/** What a query calls by a name of its own. */
function namesOfCtes(tree: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const open: unknown[] = [tree];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    if ('key' in node && typeof node.key === 'string') names.add(foldedName(node.key));
    open.push(...Object.values(node));
  }
  return names;
}
