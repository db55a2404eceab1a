// Which transactions are waited for. Creating a slot and beginning a snapshot both wait until transactions that run now
// have ended; an operator needs to see which, without seeing what they execute.

import { ignored, safely } from '../../../workflows/model/callback.ts';
import { connect, type Statements } from './connection.ts';

const WATCH_EVERY_MS = 5_000;

/** A transaction that others wait for. */
export interface Blocker {
  /** Null for a prepared transaction: it has no session. */
  readonly pid: number | null;
  /** Name of the prepared transaction. */
  readonly prepared: string | null;
  readonly database: string;
  readonly applicationName: string;
  readonly user: string;
  /** pg_stat_activity.state: 'active', 'idle in transaction', … */
  readonly state: string;
  /** Age of the transaction. */
  readonly seconds: number;
}

/** What an activity waits for at the source, by kind of wait: logged, and kept for the heartbeat. */
export class Waiting {
  readonly #log: (blockers: readonly Blocker[], what: string) => void;
  readonly #blockers = new Map<string, readonly Blocker[]>();

  /** @param log called with the transactions that `what` waits for */
  constructor(log: (blockers: readonly Blocker[], what: string) => void) {
    this.#log = log;
  }

  /** Of all current waits. */
  get blockers(): readonly Blocker[] {
    return [...this.#blockers.values()].flat();
  }

  /** For a step that keeps reporting its blockers, and reports none once it no longer waits. */
  by(what: string): (blockers: readonly Blocker[]) => void {
    return (blockers) => {
      this.#blockers.set(what, blockers);
      if (blockers.length > 0) this.#log(blockers, what);
    };
  }
}

const BLOCKER_COLUMNS = `
  a.pid, p.gid as prepared, coalesce(a.datname, p.database, '') as database, coalesce(a.application_name, '') as "applicationName",
  coalesce(a.usename, p.owner, '') as "user", coalesce(a.state, case when p.gid is null then '' else 'prepared' end) as state,
  coalesce(extract(epoch from clock_timestamp() - coalesce(a.xact_start, p.prepared)), 0)::float8 as seconds`;

/**
 * Works on a connection, and every few seconds reports what it waits for, read on another connection; at the end nothing.
 */
export async function watchingBlockers<T>(
  url: string,
  worker: Statements,
  onWaiting: (blockers: readonly Blocker[]) => void,
  work: () => Promise<T>,
): Promise<T> {
  const { pid } = await worker.row<{ pid: number }>('select pg_backend_pid() as pid');
  let asking: Promise<void> = Promise.resolve();
  const ask = async () => {
    const connection = await connect(url, 'walflow blocker watch');
    try {
      onWaiting(await readBlockersOf(connection, pid));
    } finally {
      await connection.close();
    }
  };
  // Only information: the work goes on even if this fails.
  const timer = setInterval(
    safely(() => {
      asking = asking.then(ask).catch(ignored);
    }, ignored),
    WATCH_EVERY_MS,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await asking;
    onWaiting([]);
  }
}

/** The sessions and prepared transactions that a backend waits for: for their end, or for a lock on a table. */
async function readBlockersOf(statements: Statements, pid: number): Promise<Blocker[]> {
  return await statements.rows<Blocker>(
    `select distinct ${BLOCKER_COLUMNS}
     from pg_locks w
     join pg_locks h on h.granted and h.locktype = w.locktype and h.database is not distinct from w.database
       and h.relation is not distinct from w.relation and h.transactionid is not distinct from w.transactionid
       and h.virtualxid is not distinct from w.virtualxid and h.classid is not distinct from w.classid
       and h.objid is not distinct from w.objid
     left join pg_stat_activity a on a.pid = h.pid
     left join pg_locks t on h.pid is null and t.pid is null and t.granted and t.locktype = 'transactionid'
       and t.virtualtransaction = h.virtualtransaction
     left join pg_prepared_xacts p on p.transaction = t.transactionid
     where w.pid = $1 and not w.granted and (h.pid = any(pg_blocking_pids(w.pid)) or p.gid is not null)`,
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
