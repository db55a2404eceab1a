// Looks for everything at the source that could stop a pipeline, before anything is created there. Reports all obstacles
// at once, so that an operator does not find the third one only after fixing two.

import { WalflowError } from '../../../workflows/model/errors.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';
import { OLDEST_VERSION, type ServerFacts, serverNotices, serverObstacles } from '../server-facts.ts';
import type { MatchedTable, TableMatch } from '../table-match.ts';
import { matchTables } from './catalog.ts';
import { connect } from './connection.ts';
import { type PublicationPlan, planPublications } from './publication.ts';
import { busyError, readHolder } from './slot.ts';
import type { Source } from './source.ts';

export interface PreflightSettings {
  readonly url: string;
  /** `schema.table` or `schema.*`. */
  readonly tables: readonly string[];
  readonly slot: string;
  readonly publication: string;
  /** How the pipeline's own stream appears in pg_stat_activity: a walsender of that name is not an obstacle. */
  readonly applicationName: string;
  /** Tables that are captured already: then trouble with one table concerns only that table. Absent at the first start. */
  readonly captured?: ReadonlySet<string>;
}

export interface PreflightResult {
  readonly tables: readonly CapturedTable[];
  /** Captured tables whose rows the role may not read, and why. Only when some are captured already. */
  readonly unreadable: ReadonlyMap<string, WalflowError>;
  /** Why the publications cannot be made right. Only when some tables are captured already. */
  readonly publication: readonly WalflowError[];
  /** For the user: append-only tables and the like. */
  readonly notices: readonly string[];
}

const SERVER_SQL = `
  select current_setting('server_version_num')::int as version, current_setting('server_version') as "versionText",
    current_setting('wal_level') as "walLevel", pg_is_in_recovery() as standby,
    current_setting('max_replication_slots')::int as "maxSlots",
    (select count(*)::int from pg_replication_slots) as slots,
    exists (select from pg_replication_slots where slot_name = $1) as "slotExists",
    current_user as user, has_database_privilege(current_database(), 'CREATE') as "mayCreate",
    current_setting('server_encoding') = 'SQL_ASCII' as unencoded`;

/**
 * Examines server, rights, slot, publications and tables.
 * @throws WalflowError with the code of the first obstacle; message and hint name all of them. When tables are captured
 * already, what concerns a single table is returned instead of thrown.
 */
export async function preflight(source: Source, settings: PreflightSettings): Promise<PreflightResult> {
  const facts = await source.connection.row<ServerFacts>(SERVER_SQL, [settings.slot]);
  const obstacles = serverObstacles(facts);
  // An old server lacks what the statements below read.
  if (facts.version < OLDEST_VERSION) throw combined(obstacles);
  obstacles.push(...(await slotObstacles(source, settings)), ...(await walsenderObstacles(settings)));
  const match = await matchTables(source.connection, settings.tables);
  const { captured } = settings;
  if (captured !== undefined) {
    if (obstacles.length > 0) throw combined(obstacles);
    return await withoutTroubled(source, settings, { match, facts, captured });
  }
  obstacles.push(...match.obstacles, ...match.tables.flatMap((table) => tableObstacle(table, facts.user) ?? []));
  obstacles.push(...(await publicationObstacles(source, settings, match.tables, facts)));
  if (obstacles.length > 0) throw combined(obstacles);
  const tables = match.tables.map((table) => table.captured);
  return { tables, unreadable: new Map(), publication: [], notices: [...serverNotices(facts), ...match.notices] };
}

interface Found {
  readonly match: TableMatch;
  readonly facts: ServerFacts;
  readonly captured: ReadonlySet<string>;
}

/** A table that cannot be captured is left out, with a notice; one that is captured already stays, or is unreadable. */
async function withoutTroubled(
  source: Source,
  settings: PreflightSettings,
  { match, facts, captured }: Found,
): Promise<PreflightResult> {
  const notices = [...serverNotices(facts), ...match.obstacles.map(leftOut), ...match.notices];
  const unreadable = new Map<string, WalflowError>();
  const all = match.tables.map((found) => found.captured);
  const plans = await planPublications(source.connection, settings.publication, all);
  const usable = match.tables.filter((found) => {
    const { table } = found.captured;
    const known = captured.has(table);
    const obstacle = tableObstacle(found, facts.user) ?? (known ? null : publishObstacle(found, plans, facts.user));
    if (obstacle === null) return true;
    if (known) unreadable.set(table, obstacle);
    else notices.push(leftOut(obstacle));
    return known;
  });
  const publication = await publicationObstacles(source, settings, usable, facts);
  return { tables: usable.map((found) => found.captured), unreadable, publication, notices };
}

const leftOut = (obstacle: WalflowError) => `${obstacle.message}: not captured`;

/** May a table that is not captured yet be read, and added to its publication unless it is in it? */
export function mayCapture(found: MatchedTable, plans: readonly PublicationPlan[]): boolean {
  return tableObstacle(found, '') === null && publishObstacle(found, plans, '') === null;
}

/** May the rows be read? */
export function mayRead(found: MatchedTable): boolean {
  return tableObstacle(found, '') === null;
}

function publishObstacle(
  { captured, row }: MatchedTable,
  plans: readonly PublicationPlan[],
  user: string,
): WalflowError | null {
  const plan = plans.find(({ unpublished }) => unpublished.includes(captured));
  if (plan === undefined || (plan.owned !== false && row.owned)) return null;
  const message = `role ${user} may not put ${captured.table} into publication ${plan.name}`;
  return new WalflowError('SOURCE_NO_PUBLICATION_RIGHT', message);
}

async function slotObstacles(source: Source, settings: PreflightSettings): Promise<WalflowError[]> {
  const holder = await readHolder(source.connection, settings.slot);
  return holder === null || holder.applicationName === settings.applicationName
    ? []
    : [busyError(settings.slot, holder)];
}

/** Only trying is a sure test: managed services grant replication through roles of their own, and poolers refuse it. */
async function walsenderObstacles(settings: PreflightSettings): Promise<WalflowError[]> {
  try {
    const walsender = await connect(settings.url, `${settings.applicationName} preflight`, true);
    await walsender.close();
    return [];
  } catch (failure) {
    if (failure instanceof WalflowError) return [failure];
    throw failure;
  }
}

function tableObstacle({ captured, row }: MatchedTable, user: string): WalflowError | null {
  if (!row.selectable)
    return new WalflowError('SOURCE_PERMISSION_DENIED', `role ${user} may not read ${captured.table}`);
  if (!row.rowSecurity) return null;
  return new WalflowError('SOURCE_ROW_SECURITY', `row security of ${captured.table} applies to role ${user}`);
}

async function publicationObstacles(
  source: Source,
  settings: PreflightSettings,
  tables: readonly MatchedTable[],
  facts: ServerFacts,
): Promise<WalflowError[]> {
  const captured = tables.map((table) => table.captured);
  try {
    const plans = await planPublications(source.connection, settings.publication, captured);
    const foreign = new Set(tables.filter((table) => !table.row.owned).map((table) => table.captured.table));
    return plans.flatMap((plan) => rightObstacles(plan, foreign, facts));
  } catch (failure) {
    if (failure instanceof WalflowError && failure.code === 'PUBLICATION_UNUSABLE') return [failure];
    throw failure;
  }
}

function rightObstacles(plan: PublicationPlan, foreign: ReadonlySet<string>, facts: ServerFacts): WalflowError[] {
  if (plan.statements.length === 0) return [];
  const lacks: string[] = [];
  if (plan.owned === null && !facts.mayCreate) lacks.push('may not create objects in this database');
  if (plan.owned === false) lacks.push('does not own it');
  const unowned = plan.tables.map((table) => table.table).filter((table) => foreign.has(table));
  if (unowned.length > 0) lacks.push(`does not own ${unowned.join(', ')}`);
  if (lacks.length === 0) return [];
  const message = `publication ${plan.name} is needed, but role ${facts.user} ${lacks.join(' and ')}`;
  return [new WalflowError('SOURCE_NO_PUBLICATION_RIGHT', `${message}: ${plan.statements.join('; ')}`)];
}

/** All of them as one error. */
export function combined(obstacles: readonly WalflowError[]): WalflowError {
  const [first] = obstacles;
  if (first === undefined || obstacles.length === 1)
    return first ?? new WalflowError('INTERNAL', 'no obstacle to report');
  const number = (text: (obstacle: WalflowError) => string) =>
    obstacles.map((obstacle, i) => `(${i + 1}) ${text(obstacle)}`).join('; ');
  return new WalflowError(
    first.code,
    `${obstacles.length} obstacles at the source: ${number((o) => `${o.message} [${o.code}]`)}`,
    {
      hint: number((obstacle) => obstacle.hint),
      cause: new AggregateError(obstacles, 'obstacles at the source'),
    },
  );
}
