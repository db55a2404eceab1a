// Figures for status, API and page: how many rows each table has, and which runs merged what last.

import { lsnToHex } from '../../../workflows/model/lsn.ts';
import type { LedgerEntry } from '../table-status.ts';
import { isoText } from './catalog-sql.ts';
import { qualified } from './identifier.ts';
import type { DuckDbSession } from './session.ts';
import { parseRowCounts } from './stored-json.ts';

/** Rows of every captured table of a pipeline that has a table in the warehouse, by table id. */
export async function countRows(session: DuckDbSession, pipeline: string): Promise<ReadonlyMap<string, number>> {
  const tables = await session.rows<{ id: string; schema: string; name: string }>(
    `select table_id as id, t.schema_name as schema, t.table_name as name from _walflow.tables c join duckdb_tables() t
       on lower(t.schema_name) = lower(c.schema_name) and lower(t.table_name) = lower(c.table_name)
     where pipeline = $pipeline and reason_code is distinct from 'NAME_COLLISION' order by table_id`,
    { pipeline },
  );
  if (tables.length === 0) return new Map();
  // DuckDB takes count(*) from the headers of row groups.
  const counts = tables.map((table, i) => `(select count(*) from ${qualified(table)}) as n${i}`);
  const [row] = await session.rows<Readonly<Record<string, string>>>(`select ${counts.join(', ')}`);
  return new Map(tables.map(({ id }, i) => [id, Number(row?.[`n${i}`] ?? 0)]));
}

interface LedgerRow {
  readonly seq_from: string;
  readonly seq_to: string;
  readonly lsn_from: string;
  readonly lsn_to: string;
  readonly rows: string;
  readonly workflow_id: string;
  readonly run_id: string;
  readonly attempt: number;
  readonly started_at: string;
  readonly merged_at: string;
}

/** The last merged windows that changed rows, newest first. */
export async function readLedger(
  session: DuckDbSession,
  pipeline: string,
  limit: number,
): Promise<readonly LedgerEntry[]> {
  const rows = await session.rows<LedgerRow>(
    `select * replace (${isoText('started_at')} as started_at, ${isoText('merged_at')} as merged_at) from _walflow.ledger
     where pipeline = $pipeline and rows <> '{}' order by seq_to desc, merged_at desc limit $limit`,
    { pipeline, limit },
  );
  return rows.map((row) => ({
    seqFrom: Number(row.seq_from),
    seqTo: Number(row.seq_to),
    lsnFrom: lsnToHex(BigInt(row.lsn_from)),
    lsnTo: lsnToHex(BigInt(row.lsn_to)),
    rows: parseRowCounts(row.rows),
    workflowId: row.workflow_id,
    runId: row.run_id,
    attempt: row.attempt,
    startedAt: row.started_at,
    mergedAt: row.merged_at,
  }));
}
