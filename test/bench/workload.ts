// The table and the load of the benchmark: a wide row of nine types, 100 rows per transaction; first inserts, then an
// update of each row, then some deletes.

import type pg from 'pg';
import type { Effort } from './options.ts';

/** `wide` carries the load; `live` has the same columns and is used while latencies are measured. */
export const LOAD_TABLE = 'wide';
export const LIVE_TABLE = 'live';
const ROWS_PER_TRANSACTION = 100;

const COLUMNS = `(id bigint primary key, account uuid not null, name text not null, amount numeric(18,4),
  created_at timestamptz not null, doc jsonb, active bool, qty int, note text)`;

/** One row's values for the id in column `i`. */
export const ROW_VALUES = `i, md5(i::text)::uuid, 'customer ' || i || ' of the realm', (i % 1000000) / 7.0,
  timestamptz '2026-01-01 00:00:00.123456+00' + (i || ' milliseconds')::interval,
  jsonb_build_object('k', i, 'tags', jsonb_build_array('a', 'b'), 'city', 'Zürich'), i % 3 = 0, (i % 1000)::int,
  case when i % 5 = 0 then null when i % 7 = 0 then '' else 'note "' || i || E'"\\twith, tab' end`;

/** Runs a statement for ids in steps of one transaction each. */
const PROCEDURES = `
  create procedure each_hundred(n int, statement text) language plpgsql as $$
  begin
    for b in 0 .. (n / ${ROWS_PER_TRANSACTION} - 1) loop
      execute statement using b::bigint * ${ROWS_PER_TRANSACTION} + 1, (b::bigint + 1) * ${ROWS_PER_TRANSACTION};
      commit;
    end loop;
  end $$`;

const INSERT = `insert into ${LOAD_TABLE} select ${ROW_VALUES} from generate_series($1, $2) i`;
const UPDATE = `update ${LOAD_TABLE} set amount = amount + 1.0001, qty = qty + 1, doc = doc || '{"u":1}'::jsonb
  where id between $1 and $2`;
const DELETE = `delete from ${LOAD_TABLE} where id between $1 and $2`;
const DELETED_PART = 20;

/** Publication of the runs that have no pipeline. */
export const PUBLICATION = 'bench';

export async function prepareTables(client: pg.Client): Promise<void> {
  for (const table of [LOAD_TABLE, LIVE_TABLE]) await client.query(`create table ${table} ${COLUMNS}`);
  await client.query(`create publication ${PUBLICATION} for table ${LOAD_TABLE}`);
  await client.query(PROCEDURES);
}

export interface Load {
  /** Row changes before `endLsn`. */
  readonly rows: number;
  /** Rows the table holds as of `endLsn`. */
  readonly left: number;
  /** Every transaction of the load ends at or before this. */
  readonly endLsn: bigint;
}

/** Writes the load into the log. */
export async function writeLoad(client: pg.Client, { inserts }: Effort): Promise<Load> {
  const deletes = inserts / DELETED_PART;
  await client.query('set synchronous_commit = off');
  await client.query('call each_hundred($1, $2)', [inserts, INSERT]);
  await client.query('call each_hundred($1, $2)', [inserts, UPDATE]);
  await client.query('call each_hundred($1, $2)', [deletes, DELETE]);
  await client.query('set synchronous_commit = on');
  const { rows } = await client.query<{ lsn: string }>(
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text as lsn`,
  );
  // One more transaction: who has it, or the position before it, has the whole load.
  await client.query(`insert into ${LOAD_TABLE} select ${ROW_VALUES} from (values (-1::bigint)) x(i)`);
  await client.query('checkpoint');
  return { rows: 2 * inserts + deletes, left: inserts - deletes, endLsn: BigInt(rows[0]?.lsn ?? 0) };
}
