// The replication slot: created by replication command, dropped without ever ending another consumer's connection. Its
// consistent point can be read only here, at creation; the caller records it before doing anything else.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { type Lsn, parseLsn } from '../../../workflows/model/lsn.ts';
import { type Blocker, watchingBlockers } from './blockers.ts';
import { readServerVersion } from './catalog.ts';
import { connect, type PostgresConnection, type Statements } from './connection.ts';
import { sqlState } from './errors.ts';
import type { Source } from './source.ts';

/** The consumer that reads a slot now. */
export interface SlotHolder {
  readonly pid: number;
  readonly applicationName: string;
  /** Null over a Unix socket. */
  readonly clientAddress: string | null;
  /** Since its last status, by the server's clock; null when the role may not see that. */
  readonly silentSeconds: number | null;
}

interface CreateSlotOptions {
  /** Called every few seconds with the transactions that creation waits for, and with none at the end. */
  readonly onWaiting: (blockers: readonly Blocker[]) => void;
}

const DROP_TRIES = 50;
const DROP_PAUSE_MS = 100;
/** From this version on a slot can survive failover (with synchronized_standby_slots). */
const HAS_FAILOVER = 170_000;
/** syntax_error, feature_not_supported, insufficient_privilege, invalid_parameter_value: the server refuses the option. */
const OPTION_REFUSED = new Set(['42601', '0A000', '42501', '22023']);

/**
 * Creates a logical slot for pgoutput without exporting a snapshot. Waits until every transaction that runs on the source
 * has ended, however long that takes.
 * @returns the consistent point: every transaction whose commit is at or after it will be streamed.
 */
export async function createSlot(
  url: string,
  slot: string,
  options: CreateSlotOptions,
): Promise<{ consistentPoint: Lsn }> {
  const walsender = await connect(url, `walflow slot ${slot}`, true);
  try {
    const failover = (await readServerVersion(walsender)) >= HAS_FAILOVER;
    const create = () => createWith(walsender, slot, failover);
    return { consistentPoint: await watchingBlockers(url, walsender, options.onWaiting, create) };
  } finally {
    await walsender.close();
  }
}

async function createWith(walsender: PostgresConnection, slot: string, failover: boolean): Promise<Lsn> {
  const command = (more: string) =>
    `CREATE_REPLICATION_SLOT ${pg.escapeIdentifier(slot)} LOGICAL pgoutput (SNAPSHOT 'nothing'${more})`;
  try {
    const row = await walsender.row<{ consistent_point: string }>(command(failover ? ', FAILOVER true' : ''));
    return parseLsn(row.consistent_point);
  } catch (failure) {
    if (!failover || !OPTION_REFUSED.has(sqlState(failure) ?? '')) throw failure;
    return await createWith(walsender, slot, false);
  }
}

/** The consumer of the slot; null when it has none. */
export async function readHolder(statements: Statements, slot: string): Promise<SlotHolder | null> {
  const [holder] = await statements.rows<SlotHolder>(
    `select s.active_pid as pid, coalesce(a.application_name, '') as "applicationName",
       host(a.client_addr) as "clientAddress",
       extract(epoch from clock_timestamp() - r.reply_time)::float8 as "silentSeconds"
     from pg_replication_slots s
     left join pg_stat_activity a on a.pid = s.active_pid
     left join pg_stat_replication r on r.pid = s.active_pid
     where s.slot_name = $1 and s.active_pid is not null`,
    [slot],
  );
  return holder ?? null;
}

/** `slot s is read by pid 12 ("psql" from 10.0.0.7)`. */
export function busyError(slot: string, holder: SlotHolder): WalflowError {
  const from = holder.clientAddress === null ? '' : ` from ${holder.clientAddress}`;
  return new WalflowError(
    'SLOT_BUSY',
    `slot ${slot} is read by another consumer: pid ${holder.pid} ("${holder.applicationName}"${from})`,
  );
}

export async function endWalsender(statements: Statements, holder: SlotHolder): Promise<void> {
  await statements.rows('select pg_terminate_backend($1)', [holder.pid]);
}

/**
 * Drops a slot, if it exists. A walsender of this pipeline that reads it is ended first.
 * @param ownApplicationName how the pipeline's own stream appears in pg_stat_activity.
 * @throws WalflowError SLOT_BUSY when another consumer reads it.
 */
export async function dropSlot(source: Source, slot: string, ownApplicationName: string): Promise<void> {
  const { connection } = source;
  for (let tries = 1; (await source.slotRow(slot)) !== null; tries++) {
    const holder = await readHolder(connection, slot);
    if (holder !== null) {
      if (holder.applicationName !== ownApplicationName || tries > DROP_TRIES) throw busyError(slot, holder);
      await endWalsender(connection, holder);
      await sleep(DROP_PAUSE_MS);
      continue;
    }
    await connection.rows('select pg_drop_replication_slot($1)', [slot]);
    return;
  }
}
