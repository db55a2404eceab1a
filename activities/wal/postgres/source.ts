// The source through an ordinary connection: where its WAL stands, how the slot is doing. Rows do not pass here; their way
// is measured and controlled from here.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Lsn, parseLsn } from '../../../workflows/model/lsn.ts';
import type { SlotRow } from '../slot-health.ts';
import { connect, type PostgresConnection } from './connection.ts';
import { flushedSql } from './flush-sql.ts';

/** Which server this is, and where its WAL ends. */
export interface SystemIdentity {
  /** Decimal, unique per cluster (initdb). */
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** End of the WAL that is on disk. */
  readonly flushLsn: Lsn;
  /** The database has no encoding (SQL_ASCII): a text can be any bytes. */
  readonly unencoded: boolean;
}

interface SlotQueryRow {
  readonly slot: string;
  readonly plugin: string | null;
  readonly database: string | null;
  readonly active: boolean;
  readonly activePid: number | null;
  readonly walStatus: string | null;
  readonly restartLsn: string | null;
  readonly confirmedFlushLsn: string | null;
  readonly safeWalBytes: string | null;
  readonly keepLimitBytes: string;
  readonly invalidationReason: string | null;
  readonly currentLsn: string;
}

/** Read through jsonb, a column that older versions lack is NULL. */
const SLOT_SQL = `
  select slot_name as slot, plugin, database, active, active_pid as "activePid", wal_status as "walStatus",
    restart_lsn as "restartLsn", confirmed_flush_lsn as "confirmedFlushLsn", safe_wal_size::text as "safeWalBytes",
    pg_size_bytes(current_setting('max_slot_wal_keep_size'))::text as "keepLimitBytes",
    to_jsonb(s) ->> 'invalidation_reason' as "invalidationReason",
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as "currentLsn"
  from pg_replication_slots s where slot_name = $1`;

/** pg_control_checkpoint() lags behind a promotion; the name of the current WAL file has the new timeline at once. */
const SYSTEM_SQL = `
  select system_identifier::text as "systemIdentifier",
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as timeline,
    pg_current_wal_flush_lsn()::text as "flushLsn",
    current_setting('server_encoding') = 'SQL_ASCII' as unencoded
  from pg_control_system()`;

interface FlushRow {
  readonly target: string;
  readonly flushed: boolean;
}

/** Parameter: the target, null for where the next record will be written. */
const FLUSH_SQL = `
  select target::text, ${flushedSql('target', 'pg_current_wal_flush_lsn()')} as flushed
  from (select coalesce($1::pg_lsn, pg_current_wal_insert_lsn()) as target offset 0) as inserted`;

const FIRST_FLUSH_WAIT_MS = 2;
/** Of the order of `wal_writer_delay`: so long the server itself lets such a transaction wait for the disk. */
const FLUSH_WAIT_MS = 50;
export class Source {
  readonly connection: PostgresConnection;

  constructor(connection: PostgresConnection) {
    this.connection = connection;
  }

  /** Rejects when the connection breaks, stays pending until then. Without it, notifications would end silently. */
  get lost(): Promise<never> {
    return this.connection.lost;
  }

  async identifySystem(): Promise<SystemIdentity> {
    const row = await this.connection.row<Omit<SystemIdentity, 'flushLsn'> & { readonly flushLsn: string }>(SYSTEM_SQL);
    return { ...row, flushLsn: parseLsn(row.flushLsn) };
  }

  /** Where the next WAL record will be written: every later commit is at or after it. */
  async insertLsn(): Promise<Lsn> {
    const row = await this.connection.row<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    return parseLsn(row.lsn);
  }

  /**
   * Waits until all that a query could see so far is on the source's disk. With `synchronous_commit = off` a transaction is
   * visible before, and a crash of the server takes it back.
   */
  async flushed(): Promise<void> {
    // Most often it is all there at the first look, which sets the target.
    let target: string | null = null;
    for (let waitMs = FIRST_FLUSH_WAIT_MS; ; waitMs = Math.min(waitMs * 2, FLUSH_WAIT_MS)) {
      const row: FlushRow = await this.connection.row<FlushRow>(FLUSH_SQL, [target]);
      if (row.flushed) return;
      target = row.target;
      await sleep(waitMs);
    }
  }

  /** One slot, with the end of the WAL; null when there is none of that name. */
  async slotRow(slot: string): Promise<SlotRow | null> {
    const [row] = await this.connection.rows<SlotQueryRow>(SLOT_SQL, [slot]);
    if (row === undefined) return null;
    return {
      ...row,
      restartLsn: row.restartLsn === null ? null : parseLsn(row.restartLsn),
      confirmedFlushLsn: row.confirmedFlushLsn === null ? null : parseLsn(row.confirmedFlushLsn),
      safeWalBytes: row.safeWalBytes === null ? null : Number(row.safeWalBytes),
      keepLimitBytes: Number(row.keepLimitBytes) < 0 ? null : Number(row.keepLimitBytes),
      currentLsn: parseLsn(row.currentLsn),
    };
  }

  /** What the consumer of a slot reports as settled (`replay_lsn`); null while the slot is not read. */
  async settledLsn(slot: string): Promise<Lsn | null> {
    const [row] = await this.connection.rows<{ lsn: string | null }>(
      `select r.replay_lsn::text as lsn from pg_replication_slots s join pg_stat_replication r on r.pid = s.active_pid
       where s.slot_name = $1`,
      [slot],
    );
    return row === undefined || row.lsn === null ? null : parseLsn(row.lsn);
  }

  /** Calls back for every NOTIFY on the channel, for as long as the connection lives. */
  async listen(channel: string, onPayload: (payload: string) => void): Promise<void> {
    this.connection.onNotification((name, payload) => {
      if (name === channel) onPayload(payload);
    });
    await this.connection.rows(`listen ${pg.escapeIdentifier(channel)}`);
  }

  async notify(channel: string, payload: string): Promise<void> {
    await this.connection.rows('select pg_notify($1, $2)', [channel, payload]);
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

/**
 * Opens an ordinary connection to the source.
 * @param applicationName how the connection appears in pg_stat_activity.
 * @throws WalflowError as `connect` does.
 */
export async function openSource(url: string, applicationName: string): Promise<Source> {
  return new Source(await connect(url, applicationName));
}
