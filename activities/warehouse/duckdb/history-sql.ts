// Statements that keep walflow's own tables small. What is recent stays as it was written; of what is older there is one row
// a day, which spans the rows it replaces, so that positions have no gap. Pure.

/** Merged windows of a pipeline that stay as they are: a quarter of an hour of merges without a pause. */
const WINDOWS_KEPT = 20_000;
/** Records of an asset that stay as they are. */
const RECORDS_KEPT = 1_000;

/** Each list runs in one transaction. A row that was folded is folded again when more rows of its day become old. */
export const FOLD_LEDGER: readonly string[] = [
  `create or replace temp table _walflow_old as
   select rowid as row_id, *, merged_at::DATE as day from _walflow.ledger
   qualify row_number() over (partition by pipeline order by seq_to desc, merged_at desc) > ${WINDOWS_KEPT}`,
  ...keepOnlyDays('pipeline, day'),
  `insert into _walflow.ledger by name
   with counts as (
     select pipeline, day, count.key as table_id,
       struct_pack(${['inserts', 'updates', 'deletes', 'loaded'].map((kind) => `${kind} := sum((count.value->>'${kind}')::BIGINT)::BIGINT`).join(', ')}) as counts
     from temp.main._walflow_old, json_each(rows) count group by all),
   tables as (select pipeline, day, json_group_object(table_id, counts) as rows from counts group by all)
   select pipeline, min(seq_from) as seq_from, max(seq_to) as seq_to, min(lsn_from) as lsn_from, max(lsn_to) as lsn_to,
     coalesce(any_value(tables.rows), '{}') as rows, max_by(workflow_id, seq_to) as workflow_id,
     max_by(run_id, seq_to) as run_id, max_by(attempt, seq_to) as attempt, min(started_at) as started_at,
     max(merged_at) as merged_at
   from (select * exclude (rows) from temp.main._walflow_old) old left join tables using (pipeline, day)
   group by pipeline, day`,
  `delete from _walflow.ledger where rowid in (select row_id from temp.main._walflow_old)`,
];

/** One record a partition and day: the newest, reading from where the oldest began. */
export const FOLD_RECORDS: readonly string[] = [
  `create or replace temp table _walflow_old as
   select rowid as row_id, *, finished_at::DATE as day from _walflow.materializations
   qualify row_number() over (partition by asset order by no desc) > ${RECORDS_KEPT}`,
  ...keepOnlyDays('asset, partition, day'),
  `insert into _walflow.materializations by name
   with read as (
     select asset, partition, day, no, unnest(from_json(inputs, '[{"asset": "VARCHAR", "lsnTo": "VARCHAR",
       "seqTo": "BIGINT", "seqFrom": "BIGINT", "lsnFrom": "VARCHAR"}]')) as input from temp.main._walflow_old),
   spans as (
     select asset, partition, day, struct_pack(asset := input.asset, lsnTo := max_by(input.lsnTo, no),
       seqTo := max_by(input.seqTo, no), seqFrom := min_by(input.seqFrom, no), lsnFrom := min_by(input.lsnFrom, no)) as span
     from read group by asset, partition, day, input.asset),
   inputs as (select asset, partition, day, to_json(list(span order by span.asset)) as inputs from spans group by all)
   select max(no) as no, max_by(id, no) as id, old.asset, old.partition, min(started_at) as started_at,
     max(finished_at) as finished_at, max_by(rows, no) as rows, bool_and(unchanged) as unchanged,
     coalesce(any_value(inputs.inputs), '[]') as inputs, max_by(code_version, no) as code_version, max_by(workflow_id, no) as workflow_id, max_by(run_id, no) as run_id,
     max_by(attempt, no) as attempt, max_by(checks, no) as checks
   from (select * exclude (inputs) from temp.main._walflow_old) old left join inputs
     on inputs.asset = old.asset and inputs.partition is not distinct from old.partition and inputs.day = old.day
   group by old.asset, old.partition, old.day`,
  `delete from _walflow.materializations where rowid in (select row_id from temp.main._walflow_old)`,
];

export const FOLD_RUNS = foldEnded({ table: 'runs', parts: 'steps', of: 'run', kept: 20_000 });
export const FOLD_BACKFILLS = foldEnded({
  table: 'backfills',
  parts: 'backfill_partitions',
  of: 'backfill',
  kept: 1_000,
});

/** The newest that have ended stay, with their parts, and all that have not. */
function foldEnded({ table, parts, of, kept }: { table: string; parts: string; of: string; kept: number }) {
  return [
    `create or replace temp table _walflow_old as select id from _walflow.${table} where ended_at is not null
     qualify row_number() over (order by created_at desc, id desc) > ${kept}`,
    `delete from _walflow.${parts} where ${of} in (select id from temp.main._walflow_old)`,
    `delete from _walflow.${table} where id in (select id from temp.main._walflow_old)`,
  ];
}

/** What was touched within this time keeps one row a minute, so that it is known for how long an asset lacks it. */
const MINUTES_KEPT = 10;

/**
 * One row for all touches of a partition: the greatest number, since the first. Merges and publishes go on meanwhile: they only
 * append, and who reads takes the greatest.
 */
export const FOLD_TOUCHED: readonly string[] = [
  `create or replace temp table _walflow_old as
   select source, place, partition, max(seq) as seq, min(touched_at) as touched_at, list(rowid) as ids
   from _walflow.touched
   group by source, place, partition, case when touched_at > now() - interval ${MINUTES_KEPT} minutes
     then date_trunc('minute', touched_at) end having count(*) > 1`,
  `delete from _walflow.touched where rowid in (select unnest(ids) from temp.main._walflow_old)`,
  `insert into _walflow.touched by name
   select source, place, partition, seq, touched_at from temp.main._walflow_old`,
];

/** Leaves out days of which only one row is old: there is nothing to fold. */
function keepOnlyDays(group: string): readonly string[] {
  return [
    `create or replace temp table _walflow_old as
     select * from temp.main._walflow_old qualify count(*) over (partition by ${group}) > 1`,
  ];
}
