// Which transactions are waited for. Creating a slot and beginning a snapshot both wait until transactions that run now
// have ended; an operator needs to see which, without seeing what they execute.

import type { Statements } from './connection.ts';

/** A transaction that others wait for. */
export interface Blocker {
  /** Null for a prepared transaction: it has no session. */
  readonly pid: number | null;
  /** Name of the prepared transaction. */
  readonly prepared: string | null;
  readonly applicationName: string;
  readonly user: string;
  /** pg_stat_activity.state: 'active', 'idle in transaction', … */
  readonly state: string;
  /** Age of the transaction. */
  readonly seconds: number;
}

const BLOCKER_COLUMNS = `
  a.pid, p.gid as prepared, coalesce(a.application_name, '') as "applicationName",
  coalesce(a.usename, p.owner, '') as "user", coalesce(a.state, case when p.gid is null then '' else 'prepared' end) as state,
  coalesce(extract(epoch from clock_timestamp() - coalesce(a.xact_start, p.prepared)), 0)::float8 as seconds`;

/** The sessions and prepared transactions a backend waits for (pid 0 in pg_blocking_pids = prepared). */
export async function readBlockersOf(statements: Statements, pid: number): Promise<Blocker[]> {
  return await statements.rows<Blocker>(
    `select ${BLOCKER_COLUMNS}
     from pg_locks w
     join pg_locks h on h.locktype = 'transactionid' and h.transactionid = w.transactionid and h.granted
     left join pg_stat_activity a on a.pid = h.pid
     left join pg_prepared_xacts p on h.pid is null and p.transaction = h.transactionid
     where w.pid = $1 and w.locktype = 'transactionid' and not w.granted`,
    [pid],
  );
}

/**
 * Transactions of this database with an id below `horizon` that some snapshot may still see as running: their commit
 * record may already be in the WAL. Those of other databases cannot have written here and are left out.
 */
export async function readBlockersBelow(statements: Statements, horizon: string): Promise<Blocker[]> {
  return await statements.rows<Blocker>(
    `select ${BLOCKER_COLUMNS}
     from pg_snapshot_xip(pg_current_snapshot()) as x
     left join pg_stat_activity a on a.backend_xid = x::xid
     left join pg_prepared_xacts p on p.transaction = x::xid
     where x < $1::xid8 and coalesce(a.datname, p.database, current_database()) = current_database()`,
    [horizon],
  );
}

/** A transaction id newer than all that exist, as text. Its own transaction has ended when this returns. */
export async function takeHorizon(statements: Statements): Promise<string> {
  const row = await statements.row<{ horizon: string }>('select pg_current_xact_id()::text as horizon');
  return row.horizon;
}
