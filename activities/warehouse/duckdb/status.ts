// Which runs merged what last, for status, API and page.

import { lsnToHex } from '../../../workflows/model/lsn.ts';
import type { LedgerEntry } from '../table-status.ts';
import { isoText } from './catalog-sql.ts';
import type { DuckDbSession } from './session.ts';
import { parseRowCounts } from './stored-json.ts';

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
