// Reads tables from the catalog, as they are now: this may be ahead of the WAL. What the WAL says about them arrives in
// Relation messages and is compared; a difference leads to a new snapshot, never to a guess.

import { type CatalogRow, matchPatterns, schemasOf, type TableMatch } from '../table-match.ts';
import type { Statements } from './connection.ts';

/** Columns of an index of `c` in index order, without INCLUDE columns; null when no index meets the condition. */
const indexColumns = (condition: string) => `(
  select json_agg(a.attname order by k.position)
  from pg_index i
  cross join unnest(i.indkey::int2[]) with ordinality as k(attnum, position)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
  where i.indrelid = c.oid and ${condition} and i.indisvalid and i.indimmediate and k.position <= i.indnkeyatts)`;

const attributes = (value: string, condition: string) => `(
  select coalesce(json_agg(${value} order by a.attnum), '[]')
  from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and ${condition})`;

/** Columns as Relation messages list them, as JSON, for the table `c`. */
export const LOGGED_COLUMNS_SQL = attributes(
  `json_build_object('name', a.attname, 'typeOid', a.atttypid::int8, 'typeModifier', a.atttypmod)`,
  `a.attgenerated = ''`,
);

/**
 * Can the table `i.inhrelid` have had rows when it became a partition? Not if CREATE TABLE … PARTITION OF made it: ATTACH
 * and DETACH rewrite the pg_attribute row of every column, so one as old as those of the system columns proves that
 * neither happened. And not if it has no rows now: whatever it had was removed by changes that are in the WAL.
 */
const MAY_BRING_ROWS = `not (l.relkind = 'r' and pg_relation_size(l.oid) = 0 or exists (
  select from pg_attribute s join pg_attribute a on a.attrelid = s.attrelid and a.attnum > 0
  where s.attrelid = i.inhrelid and s.attnum = -1 and a.xmin = s.xmin and a.cmin = s.cmin))`;

/** Leaf partitions of the table `c`, as `TableLayout.leaves`: how each became one, over all levels. */
const LEAVES_SQL = `(
  with recursive tree(oid, kind, path, filled) as (
    select c.oid, c.relkind, '', false where c.relkind = 'p'
    union all select i.inhrelid, l.relkind, t.path || '/' || i.xmin, t.filled or ${MAY_BRING_ROWS}
    from tree t join pg_inherits i on i.inhparent = t.oid join pg_class l on l.oid = i.inhrelid
  )
  select coalesce(json_agg(oid || path || case when filled then '+' else '' end order by oid), '[]')
  from tree where kind <> 'p')`;

/** From this OID on types are made by users (FirstNormalObjectId); the server's own do not change. */
const FIRST_USER_OID = 16_384;

/**
 * What the values of the table `c` depend on, as `TableLayout.dependencies`: the types of its columns, at any depth (arrays,
 * domains, ranges, composites), and the operators and collations of its key's index.
 */
const DEPENDENCIES_SQL = `(
  with recursive used(oid) as (
    select a.atttypid from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.atttypid >= ${FIRST_USER_OID}
    union
    select part.oid from used u join pg_type t on t.oid = u.oid cross join lateral (
      values (t.typbasetype), (t.typelem)
      union all select r.rngsubtype from pg_range r where t.oid in (r.rngtypid, r.rngmultitypid)
      union all select a.atttypid from pg_attribute a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) part(oid)
    where part.oid >= ${FIRST_USER_OID}
  ), found(dependency) as (
    select 'label ' || e.oid || ':' || md5(e.enumlabel) from used join pg_enum e on e.enumtypid = used.oid
    union all
    select 'domain ' || t.oid || ':' || t.typbasetype || '/' || t.typtypmod
    from used join pg_type t on t.oid = used.oid where t.typtype = 'd'
    union all
    select 'composite ' || t.oid || ':' || md5(string_agg(concat_ws('/', a.attnum, a.atttypid, a.atttypmod), ',' order by a.attnum))
    from used join pg_type t on t.oid = used.oid join pg_attribute a on a.attrelid = t.typrelid
    where a.attnum > 0 and not a.attisdropped group by t.oid
    union all
    select 'key ' || k.attnum || ':' || md5(concat_ws('/', i.indclass[k.i - 1], i.indcollation[k.i - 1],
      pg_collation_actual_version(nullif(i.indcollation[k.i - 1], 0))))
    from pg_index i cross join unnest(i.indkey::int2[]) with ordinality as k(attnum, i)
    where i.indrelid = c.oid and i.indisvalid and k.i <= i.indnkeyatts
      and case when c.relreplident = 'i' then i.indisreplident else i.indisprimary end
  )
  select coalesce(json_agg(dependency order by dependency), '[]') from found)`;

/**
 * Layout of the table `c`, as JSON. A partitioned table has no file of its own; those of its partitions stand for it. xmin
 * identifies the version of a catalog row: every ALTER of a column makes a new one.
 */
export const LAYOUT_SQL = `json_build_object(
  'columnNumbers', ${attributes('a.attnum', `a.attgenerated = ''`)},
  'attributes', (select md5(string_agg(a.attnum || ':' || a.xmin, ',' order by a.attnum))
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0),
  'storage', (select md5(string_agg(l.oid || ':' || l.relfilenode, ',' order by l.oid))
    from pg_class l where l.oid = c.oid or l.oid in (select relid from pg_partition_tree(c.oid))),
  'leaves', ${LEAVES_SQL},
  'dependencies', ${DEPENDENCIES_SQL})`;

const CATALOG_SQL = `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relpersistence as persistence,
    c.relreplident as "replicaIdentity",
    ${LOGGED_COLUMNS_SQL} as columns,
    ${LAYOUT_SQL} as layout,
    ${attributes('a.attname', `a.attgenerated <> ''`)} as "generatedColumns",
    ${indexColumns('i.indisprimary')} as "primaryKey",
    ${indexColumns('i.indisreplident')} as "identityIndex",
    (select coalesce(json_agg(distinct l.relreplident), '[]')
      from pg_partition_tree(c.oid) t join pg_class l on l.oid = t.relid
      where c.relkind = 'p' and t.isleaf) as "leafIdentities",
    (select coalesce(json_agg(t.relid::oid::int8), '[]')
      from pg_partition_ancestors(c.oid) t where t.relid <> c.oid) as ancestors,
    exists (select from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') as "fromExtension",
    pg_has_role(c.relowner, 'USAGE') as owned,
    has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT') as selectable,
    c.relkind in ('r', 'p') and row_security_active(c.oid) as "rowSecurity"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f')
  order by n.nspname, c.relname`;

/** server_version_num: 170010 is 17.10. */
export async function readServerVersion(statements: Statements): Promise<number> {
  const row = await statements.row<{ version: number }>(`select current_setting('server_version_num')::int as version`);
  return row.version;
}

/** The tables the patterns mean, as the catalog has them now. */
export async function matchTables(statements: Statements, patterns: readonly string[]): Promise<TableMatch> {
  const version = await readServerVersion(statements);
  const rows = await statements.rows<CatalogRow>(CATALOG_SQL, [schemasOf(patterns)]);
  return matchPatterns(patterns, rows, version);
}
