// To which lake a publication belongs. Slots carry no comments, so the publication's comment names the lake's identity and
// the slot that the lake is fed from; two lakes that are prepared at the same moment take turns.

import pg from 'pg';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { Statements } from './connection.ts';
import type { Source } from './source.ts';

/** The lake that a slot and its publications feed. */
export interface SourceOwner {
  /** The lake's identity. */
  readonly lakeId: string;
  readonly slot: string;
}

interface SlotOrigin {
  readonly name: string;
  readonly plugin: string | null;
  readonly database: string | null;
  readonly active: boolean;
}

/** What the source itself says about a publication and a slot, before anything is changed. */
export interface FoundOwnership {
  readonly database: string;
  /** Null when no lake has put its name on the publication. */
  readonly owner: SourceOwner | null;
  /** The slot asked for, and that of the owner, if they exist. */
  readonly slots: readonly SlotOrigin[];
}

interface CommentRow {
  readonly owned: boolean;
  readonly comment: string | null;
}

const OWNER_LINE = /^walflow: fed into lake ([0-9a-f-]{36}) by slot ([a-z0-9_]+)$/m;

const COMMENT_SQL = `
  select pg_has_role(pubowner, 'USAGE') as owned, obj_description(oid, 'pg_publication') as comment
  from pg_publication where pubname = $1`;

/** If this machine vanishes, the server gives the lock up within a minute; by default after two hours. */
const LOCK_SQL = `
  select set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
    set_config('tcp_keepalives_count', '3', false),
    pg_try_advisory_lock(hashtextextended($1, 0)) as locked`;

/** Reads whose a publication and a slot are. */
export async function readOwnership(
  statements: Statements,
  { slot, publication }: { readonly slot: string; readonly publication: string },
): Promise<FoundOwnership> {
  const [row] = await statements.rows<CommentRow>(COMMENT_SQL, [publication]);
  const owner = ownerOf(row?.comment ?? null);
  const { database } = await statements.row<{ database: string }>('select current_database() as database');
  const slots = await statements.rows<SlotOrigin>(
    `select slot_name as name, plugin, database, active from pg_replication_slots where slot_name = any($1)`,
    [[slot, ...(owner === null ? [] : [owner.slot])]],
  );
  return { database, owner, slots };
}

/** Puts the lake's name on its publication. Who does not own the publication cannot, and leaves it as it is. */
export async function recordOwner(source: Source, publication: string, owner: SourceOwner): Promise<void> {
  const [row] = await source.connection.rows<CommentRow>(COMMENT_SQL, [publication]);
  if (row?.owned !== true) return;
  const line = `walflow: fed into lake ${owner.lakeId} by slot ${owner.slot}`;
  const { comment } = row;
  const next = comment === null || comment === '' ? line : withLine(comment, line);
  if (next === comment) return;
  const name = pg.escapeIdentifier(publication);
  await source.connection.rows(`comment on publication ${name} is ${pg.escapeLiteral(next)}`);
}

/**
 * Takes the turn to prepare a slot, for as long as the connection lives: between finding no owner and naming one, no other
 * walflow may do the same.
 * @throws WalflowError SLOT_BUSY
 */
export async function takeTurn({ connection }: Source, slot: string): Promise<void> {
  const { locked } = await connection.row<{ locked: boolean }>(LOCK_SQL, [`walflow prepares slot ${slot}`]);
  if (!locked) throw new WalflowError('SLOT_BUSY', `another walflow prepares slot ${slot} at this moment`);
}

function ownerOf(comment: string | null): SourceOwner | null {
  const [, lakeId, slot] = OWNER_LINE.exec(comment ?? '') ?? [];
  return lakeId === undefined || slot === undefined ? null : { lakeId, slot };
}

/** What others wrote there stays. */
function withLine(comment: string, line: string): string {
  return OWNER_LINE.test(comment) ? comment.replace(OWNER_LINE, line) : `${comment}\n${line}`;
}
