// The two publications of a pipeline: keyed tables with all changes; tables without a key with inserts and truncates only,
// because publishing their updates would make those of the application fail. Never column lists, row filters or FOR ALL
// TABLES. Both are created before the slot, even while empty: WAL older than a publication cannot be decoded with it.

import pg from 'pg';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { appendPublicationName } from '../../../workflows/model/names.ts';
import { type CapturedTable, tableId } from '../../../workflows/model/relation.ts';
import type { Statements } from './connection.ts';
import type { Source } from './source.ts';

interface PublicationRow {
  readonly owned: boolean;
  readonly allTables: boolean;
  readonly viaRoot: boolean;
  readonly publish: string;
  readonly schemas: number;
  readonly tables: readonly MemberRow[];
}

interface MemberRow {
  readonly schema: string;
  readonly name: string;
  /** It has a column list or a row filter. */
  readonly narrowed: boolean;
}

interface WantedPublication {
  readonly name: string;
  readonly publish: string;
  readonly tables: readonly CapturedTable[];
}

/** What remains to be done to a publication, as SQL; empty when it is right. */
export interface PublicationPlan {
  readonly name: string;
  /** Null while it does not exist. */
  readonly owned: boolean | null;
  readonly tables: readonly CapturedTable[];
  /** The tables of which it does not publish all changes. */
  readonly unpublished: readonly CapturedTable[];
  readonly statements: readonly string[];
}

const PUBLISH_ALL = 'insert, update, delete, truncate';
const PUBLISH_APPENDS = 'insert, truncate';

const PUBLICATION_SQL = `
  select pg_has_role(pubowner, 'USAGE') as owned, puballtables as "allTables", pubviaroot as "viaRoot",
    concat_ws(', ', case when pubinsert then 'insert' end, case when pubupdate then 'update' end,
      case when pubdelete then 'delete' end, case when pubtruncate then 'truncate' end) as publish,
    (select count(*)::int from pg_publication_namespace n where n.pnpubid = p.oid) as schemas,
    (select coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname,
        'narrowed', r.prattrs is not null or r.prqual is not null)), '[]')
      from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
      where r.prpubid = p.oid) as tables
  from pg_publication p where pubname = $1`;

const MAY_CREATE_SQL = `select has_database_privilege(current_database(), 'CREATE') as "mayCreate"`;

/** Makes both publications match what is captured. Does nothing when they do already, so it may run at every start. */
export async function ensurePublications(
  source: Source,
  publication: string,
  tables: readonly CapturedTable[],
): Promise<void> {
  await source.connection.transaction('begin', async (statements) => {
    for (const plan of await planPublications(statements, publication, tables)) {
      for (const statement of plan.statements) await statements.rows(statement);
    }
  });
}

/**
 * Compares both publications with the tables to capture.
 * @throws WalflowError PUBLICATION_UNUSABLE for one that is not a list of tables.
 */
export async function planPublications(
  statements: Statements,
  publication: string,
  tables: readonly CapturedTable[],
): Promise<readonly PublicationPlan[]> {
  const ofMode = (mode: CapturedTable['mode']) => tables.filter((table) => table.mode === mode);
  const wanted: WantedPublication[] = [
    { name: publication, publish: PUBLISH_ALL, tables: ofMode('keyed') },
    { name: appendPublicationName(publication), publish: PUBLISH_APPENDS, tables: ofMode('append-only') },
  ];
  const { mayCreate } = await statements.row<{ mayCreate: boolean }>(MAY_CREATE_SQL);
  const plans: PublicationPlan[] = [];
  for (const one of wanted) {
    const [row] = await statements.rows<PublicationRow>(PUBLICATION_SQL, [one.name]);
    // If the role may not create publications, it is not asked for an append publication that nothing needs.
    if (row === undefined && !mayCreate && one.publish === PUBLISH_APPENDS && one.tables.length === 0) continue;
    plans.push(planOf(one, row ?? null));
  }
  return plans;
}

/**
 * Both publications, the second one only if a captured table needs it.
 * @param capture also as it was when changes that are sent again were written: then a table may have had no key
 */
export function publicationsOf(publication: string, capture: readonly CapturedTable[]): string[] {
  const append = capture.some((entry) => entry.mode === 'append-only');
  return append ? [publication, appendPublicationName(publication)] : [publication];
}

/**
 * The server looks at the identity of the table that is written to: of a partitioned table, at that of the partition. Asked
 * once a second, so a thousand tables must not take long: no condition makes the server look at all tables for each.
 */
const UNIDENTIFIED_SQL = `
  with member as (
    select c.oid, c.relkind as kind from pg_publication p join pg_publication_rel r on r.prpubid = p.oid
    join pg_class c on c.oid = r.prrelid
    where p.pubname = $1 and (p.pubupdate or p.pubdelete) and pg_has_role(p.pubowner, 'USAGE')
  ), written as (
    select oid, oid as leaf from member where kind = 'r'
    union all
    select m.oid, t.relid from member m cross join pg_partition_tree(m.oid) t where m.kind = 'p' and t.isleaf and t.relid <> m.oid
  )
  select distinct n.nspname as schema, c.relname as name
  from written w join pg_class l on l.oid = w.leaf
  join pg_class c on c.oid = w.oid join pg_namespace n on n.oid = c.relnamespace
  where case l.relreplident when 'f' then false when 'n' then true else not exists (
    select from pg_index i where i.indrelid = l.oid and i.indisvalid and i.indimmediate
      and case l.relreplident when 'i' then i.indisreplident else i.indisprimary end) end`;

/** Do these publications exist? A change that is written while one does not can never be read by the slot. */
export async function arePublished(source: Source, publications: readonly string[]): Promise<boolean> {
  const rows = await source.connection.rows('select from pg_publication where pubname = any($1)', [publications]);
  return rows.length === publications.length;
}

/**
 * Takes the tables out of a publication whose updates it makes fail: those that lost their key or their identity. Nothing
 * of that is in the WAL, and a failed update is not either.
 * @returns their ids.
 */
export async function withdrawUnidentified(source: Source, publication: string): Promise<readonly string[]> {
  const found = await source.connection.rows<{ schema: string; name: string }>(UNIDENTIFIED_SQL, [publication]);
  if (found.length > 0) {
    const alter = `alter publication ${pg.escapeIdentifier(publication)}`;
    await source.connection.rows(`${alter} drop table ${only(found.map(sqlName))}`);
  }
  return found.map(({ schema, name }) => tableId(schema, name));
}

/** Drops both publications; those that do not exist are skipped. */
export async function dropPublications(source: Source, publication: string): Promise<void> {
  const names = [publication, appendPublicationName(publication)].map((name) => pg.escapeIdentifier(name));
  await source.connection.rows(`drop publication if exists ${names.join(', ')}`);
}

function planOf(wanted: WantedPublication, row: PublicationRow | null): PublicationPlan {
  const { name, tables } = wanted;
  if (row === null) return { name, owned: null, tables, unpublished: tables, statements: [creation(wanted)] };
  if (row.allTables || row.schemas > 0) {
    const what = row.allTables ? 'FOR ALL TABLES' : 'FOR TABLES IN SCHEMA';
    throw new WalflowError('PUBLICATION_UNUSABLE', `publication ${name} is ${what}, not a list of tables`);
  }
  return {
    name,
    owned: row.owned,
    tables,
    unpublished: unpublished(wanted, row),
    statements: alterations(wanted, row),
  };
}

function creation({ name, publish, tables }: WantedPublication): string {
  const members = tables.length > 0 ? ` for table ${only(tables.map(sqlName))}` : '';
  return `create publication ${pg.escapeIdentifier(name)}${members} with ${optionsOf(publish)}`;
}

function alterations(wanted: WantedPublication, row: PublicationRow): string[] {
  const alter = `alter publication ${pg.escapeIdentifier(wanted.name)}`;
  const statements: string[] = [];
  if (row.publish !== wanted.publish || !row.viaRoot) statements.push(`${alter} set ${optionsOf(wanted.publish)}`);
  const members = new Set(row.tables.map(sqlName));
  const names = wanted.tables.map(sqlName);
  const narrowed = row.tables.some((table) => table.narrowed);
  if (!narrowed && members.size === names.length && names.every((name) => members.has(name))) return statements;
  // SET TABLE takes no empty list.
  return [
    ...statements,
    `${alter} ${names.length > 0 ? `set table ${only(names)}` : `drop table ${only([...members])}`}`,
  ];
}

function unpublished({ publish, tables }: WantedPublication, row: PublicationRow): readonly CapturedTable[] {
  if (row.publish !== publish || !row.viaRoot) return tables;
  const whole = new Set(row.tables.filter((member) => !member.narrowed).map(sqlName));
  return tables.filter((table) => !whole.has(sqlName(table)));
}

const optionsOf = (publish: string) => `(publish = '${publish}', publish_via_partition_root = true)`;

/** ONLY, because the children of an inheritance parent are tables of their own, with identities of their own. */
const only = (tables: readonly string[]) => tables.map((table) => `only ${table}`).join(', ');

/** Schema and name, quoted. */
export function sqlName(table: { readonly schema: string; readonly name: string }): string {
  return `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.name)}`;
}
