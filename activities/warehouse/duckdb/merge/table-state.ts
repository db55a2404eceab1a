// The state of each table: loading, live, paused, append-only, or detached when it is no longer captured. A table that does not
// stand at the watermark keeps the position up to which it was merged, so that its rows are not mistaken for current ones.

import { lsnToHex, parseLsn } from '../../../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../../../workflows/model/manifest.ts';
import type { Watermark } from '../../../../workflows/model/watermark.ts';
import type { PlacedTable, TablePauseOrder } from '../../merge-plan.ts';
import { FLOWING, type TableState, type TableStatus } from '../../table-status.ts';
import { isoText } from '../catalog-sql.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { parseCapture } from '../stored-json.ts';
import { collisionOf } from './schema-sql.ts';

const FLOWING_SQL = FLOWING.map(literal).join(', ');

/** Where and when a state changes. */
export interface StateChange {
  readonly pipeline: string;
  /** Watermark up to which the table's rows are merged. */
  readonly mergedTo: Watermark;
  readonly nowIso: string;
}

/** Records a new table, or a new snapshot of a known one. @returns the pause, if it cannot have its place. */
export async function beginTable(
  session: DuckDbSession,
  change: StateChange,
  { entry, target }: PlacedTable,
): Promise<TablePauseOrder | null> {
  const places = await session.rows<{ schema: string; name: string; label: string }>(
    `select schema_name as schema, table_name as name, table_id || ' of ' || pipeline as label from _walflow.tables
     where not (pipeline = $pipeline and table_id = $table) and reason_code is distinct from 'NAME_COLLISION'
       and state <> 'detached'`,
    { pipeline: change.pipeline, table: entry.table },
  );
  const collision = collisionOf(entry, target, places);
  const pause = collision === null ? (entry.paused ?? null) : { code: 'NAME_COLLISION', reason: collision };
  const [known] = await readTables(session, change.pipeline, entry.table);
  const frozen = known === undefined ? null : (known.mergedTo ?? positionOf(change.mergedTo));
  await forgetTable(session, change.pipeline, entry.table);
  if (collision === null) await forgetDetachedAt(session, target);
  await session.run(
    `insert into _walflow.tables by name
     select $pipeline as pipeline, $table as table_id, $schema as schema_name, $name as table_name, $state as state,
       $code as reason_code, $reason as reason, $snapshot as snapshot_id, $r0::BIGINT as r0_lsn, $fromSeq as from_seq,
       $shape as schema_version, $capture::JSON as capture, $mergedSeq::BIGINT as merged_seq,
       $mergedLsn::BIGINT as merged_lsn, $now::TIMESTAMPTZ as changed_at`,
    {
      ...{ pipeline: change.pipeline, table: entry.table, schema: target.schema, name: target.name },
      ...{ state: pause === null ? 'loading' : 'paused', code: pause?.code ?? null, reason: pause?.reason ?? null },
      ...{ snapshot: entry.snapshot.id, r0: decimal(entry.snapshot.r0Lsn), fromSeq: entry.snapshot.fromSeq },
      ...{ shape: entry.schemaVersion, capture: JSON.stringify(entry) },
      ...{ mergedSeq: frozen?.seq ?? null, mergedLsn: frozen === null ? null : decimal(frozen.lsn) },
      now: change.nowIso,
    },
  );
  return collision === null ? null : { table: entry.table, code: 'NAME_COLLISION', reason: collision };
}

/** From now on the table stands at the watermark. */
export async function enliven(session: DuckDbSession, change: StateChange, entry: CaptureEntry): Promise<void> {
  const state: TableState = entry.mode === 'append-only' ? 'append-only' : 'live';
  await session.run(
    `update _walflow.tables set state = $state, reason_code = null, reason = null, merged_seq = null, merged_lsn = null,
       changed_at = $now::TIMESTAMPTZ where pipeline = $pipeline and table_id = $table`,
    { state, now: change.nowIso, pipeline: change.pipeline, table: entry.table },
  );
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

/** A detached table whose place another one takes has no rows any more. */
async function forgetDetachedAt(session: DuckDbSession, { schema, name }: PlacedTable['target']): Promise<void> {
  await session.run(
    `delete from _walflow.tables where state = 'detached' and lower(schema_name) = lower($schema)
       and lower(table_name) = lower($name)`,
    { schema, name },
  );
}

/** Forgets a table; its rows stay. */
export async function forgetTable(session: DuckDbSession, pipeline: string, table: string): Promise<void> {
  await session.run('delete from _walflow.tables where pipeline = $pipeline and table_id = $table', {
    pipeline,
    table,
  });
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
const decimal = (lsn: string) => parseLsn(lsn).toString();

function positionOf(watermark: Watermark): { seq: number; lsn: string } {
  return { seq: watermark.seq, lsn: watermark.endLsn };
}
