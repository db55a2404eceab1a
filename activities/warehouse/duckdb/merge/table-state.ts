// The state of each table: loading, live, paused, append-only, or detached when it is no longer captured. A table that does not
// stand at the watermark keeps the position up to which it was merged, so that its rows are not mistaken for current ones.

import { lsnToHex, parseLsn } from '../../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { Watermark } from '../../../../workflows/model/watermark.ts';
import type { TablePauseOrder } from '../../merge-plan.ts';
import { FLOWING, type TableState, type TableStatus } from '../../table-status.ts';
import { isoText } from '../catalog-sql.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { parseCapture } from '../stored-json.ts';

const FLOWING_SQL = FLOWING.map(literal).join(', ');

/** Tables of the parameter `tables`, which `listed` makes. */
const LISTED_SQL = `table_id in (select unnest(from_json($tables::JSON, '["VARCHAR"]')))`;
const listed = (tables: readonly string[]) => JSON.stringify(tables);

/** Where and when a state changes. */
export interface StateChange {
  readonly pipeline: string;
  /** Watermark up to which the table's rows are merged. */
  readonly mergedTo: Watermark;
  readonly nowIso: string;
}

/** From now on these tables stand at the watermark. */
export async function enliven(
  session: DuckDbSession,
  change: StateChange,
  entries: readonly CaptureEntry[],
): Promise<void> {
  const byMode = Map.groupBy(entries, ({ mode }) => mode);
  for (const [mode, some] of byMode) {
    const state: TableState = mode === 'append-only' ? 'append-only' : 'live';
    await session.run(
      `update _walflow.tables set state = $state, reason_code = null, reason = null, merged_seq = null, merged_lsn = null,
         changed_at = $now::TIMESTAMPTZ where pipeline = $pipeline and ${LISTED_SQL}`,
      { state, now: change.nowIso, pipeline: change.pipeline, tables: listed(some.map(({ table }) => table)) },
    );
  }
}

/** The table stops where it is; all others go on. */
export async function pauseTable(session: DuckDbSession, change: StateChange, order: TablePauseOrder): Promise<void> {
  const at = positionOf(change.mergedTo);
  await session.run(
    `update _walflow.tables set reason_code = $code, reason = $reason, changed_at = $now::TIMESTAMPTZ, state = 'paused',
       merged_seq = case when state in (${FLOWING_SQL}) then $seq::BIGINT else merged_seq end,
       merged_lsn = case when state in (${FLOWING_SQL}) then $lsn::BIGINT else merged_lsn end
     where pipeline = $pipeline and table_id = $table`,
    {
      ...{ code: order.code, reason: order.reason, now: change.nowIso, seq: at.seq, lsn: decimal(at.lsn) },
      ...{ pipeline: change.pipeline, table: order.table },
    },
  );
}

/** The table is no longer captured. Its rows stay as they are; one that has no rows of its own is forgotten. */
export async function detachTable(session: DuckDbSession, change: StateChange, table: string): Promise<void> {
  const at = positionOf(change.mergedTo);
  const parameters = { pipeline: change.pipeline, table };
  await session.run(
    `delete from _walflow.tables where pipeline = $pipeline and table_id = $table
       and (reason_code is not distinct from 'NAME_COLLISION' or (state not in (${FLOWING_SQL}) and merged_seq is null))`,
    parameters,
  );
  await session.run(
    `update _walflow.tables set state = 'detached', reason_code = null, reason = null, changed_at = $now::TIMESTAMPTZ,
       merged_seq = coalesce(merged_seq, $seq::BIGINT), merged_lsn = coalesce(merged_lsn, $lsn::BIGINT)
     where pipeline = $pipeline and table_id = $table and state <> 'detached'`,
    { ...parameters, now: change.nowIso, seq: at.seq, lsn: decimal(at.lsn) },
  );
}

/** Forgets tables; their rows stay. */
export async function forgetTables(session: DuckDbSession, pipeline: string, tables: readonly string[]): Promise<void> {
  if (tables.length === 0) return;
  await session.run(`delete from _walflow.tables where pipeline = $pipeline and ${LISTED_SQL}`, {
    pipeline,
    tables: listed(tables),
  });
}

/** The snapshots that are being taken, by table. */
export async function loadingSnapshots(session: DuckDbSession, pipeline: string): Promise<ReadonlyMap<string, string>> {
  const rows = await session.rows<{ id: string; snapshot: string }>(
    `select table_id as id, snapshot_id as snapshot from _walflow.tables where pipeline = $pipeline and state = 'loading'`,
    { pipeline },
  );
  return new Map(rows.map(({ id, snapshot }) => [id, snapshot]));
}

/** The tables of a pipeline that stand at the watermark. Called in every merge, so it reads only names. */
export async function flowingTables(session: DuckDbSession, pipeline: string): Promise<readonly string[]> {
  const rows = await session.rows<{ id: string }>(
    `select table_id as id from _walflow.tables where pipeline = ${literal(pipeline)} and state in (${FLOWING_SQL})`,
  );
  return rows.map(({ id }) => id);
}

interface TableRow {
  readonly table_id: string;
  readonly schema_name: string;
  readonly table_name: string;
  readonly state: TableState;
  readonly since: string;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly capture: string;
  readonly merged_seq: string | null;
  readonly merged_lsn: string | null;
}

/** The tables of a pipeline, or one of them, by name. */
export async function readTables(
  session: DuckDbSession,
  pipeline: string,
  table?: string,
): Promise<readonly TableStatus[]> {
  const rows = await session.rows<TableRow>(
    `select table_id, schema_name, table_name, state, ${isoText('changed_at')} as since, reason_code, reason, capture, merged_seq, merged_lsn
     from _walflow.tables
     where pipeline = $pipeline and table_id = coalesce($table::VARCHAR, table_id) order by table_id`,
    { pipeline, table: table ?? null },
  );
  return rows.map((row) => ({
    table: row.table_id,
    place: { schema: row.schema_name, name: row.table_name },
    state: row.state,
    since: row.since,
    reason: row.reason_code === null ? null : { code: row.reason_code, text: row.reason ?? '' },
    entry: parseCapture(row.capture),
    mergedTo:
      row.merged_seq === null || row.merged_lsn === null
        ? null
        : { seq: Number(row.merged_seq), lsn: lsnToHex(BigInt(row.merged_lsn)) },
  }));
}

/** A position, as a parameter of type BIGINT. */
export const decimal = (lsn: string) => parseLsn(lsn).toString();

export function positionOf(watermark: Watermark): { seq: number; lsn: string } {
  return { seq: watermark.seq, lsn: watermark.endLsn };
}
