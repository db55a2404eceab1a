// How a catalog of an older version becomes one of this version. Steps never change: each spells out the tables it makes. No
// ALTER: DuckDB cannot commit one after other changes of the same table.

/** Step n turns a catalog of version n into one of version n + 1. */
export const MIGRATIONS: ReadonlyMap<number, readonly string[]> = new Map([
  // Before, partitions were days (DATE), and marks had no id.
  [
    1,
    [
      ...remade(
        'dirty_partitions',
        `id UUID not null default uuid(), asset VARCHAR not null, partition VARCHAR, cause VARCHAR not null,
         seq BIGINT not null, marked_at TIMESTAMPTZ not null`,
      ),
      ...remade(
        'materializations',
        `no BIGINT not null, id VARCHAR not null, asset VARCHAR not null, partition VARCHAR,
         started_at TIMESTAMPTZ not null, finished_at TIMESTAMPTZ not null, rows BIGINT not null, inputs JSON not null,
         code_version VARCHAR not null, workflow_id VARCHAR not null, run_id VARCHAR not null, attempt INTEGER not null`,
      ),
    ],
  ],
  // Before, marks said what was due, and were cleared. Now versions and positions say it.
  [
    2,
    [
      `create table _walflow.touched (source VARCHAR not null, place VARCHAR not null, partition VARCHAR,
         seq BIGINT not null, touched_at TIMESTAMPTZ not null)`,
      `create table _walflow.partitions (asset VARCHAR not null, partition VARCHAR, no BIGINT not null,
         version BIGINT not null, positions MAP(VARCHAR, BIGINT) not null, code_version VARCHAR not null,
         run_id VARCHAR not null, computed_at TIMESTAMPTZ not null)`,
      carriedPartitions(),
      carriedMarks(),
      carriedSearches(),
      `drop table _walflow.dirty_partitions`,
      `drop table _walflow.asset_inputs`,
      ...remade(
        'assets',
        `asset VARCHAR not null, code_version VARCHAR not null, declared_at TIMESTAMPTZ not null, reads VARCHAR not null`,
        `*, '' as reads`,
      ),
      ...remade(
        'materializations',
        `no BIGINT not null, id VARCHAR not null, asset VARCHAR not null, partition VARCHAR,
         started_at TIMESTAMPTZ not null, finished_at TIMESTAMPTZ not null, rows BIGINT not null,
         unchanged BOOLEAN not null, inputs JSON not null, code_version VARCHAR not null, workflow_id VARCHAR not null,
         run_id VARCHAR not null, attempt INTEGER not null`,
        '*, false as unchanged',
      ),
    ],
  ],
  // Before, there were no checks, and only Temporal knew of runs and schedules.
  [
    3,
    [
      `create table _walflow.checks (asset VARCHAR not null, name VARCHAR not null, rule VARCHAR not null,
         partition VARCHAR, state VARCHAR not null, failing BIGINT not null, keys JSON not null, error VARCHAR,
         up_to BIGINT not null, attempts INTEGER not null, checked_at TIMESTAMPTZ not null, run_id VARCHAR not null)`,
      ...remade(
        'materializations',
        `no BIGINT not null, id VARCHAR not null, asset VARCHAR not null, partition VARCHAR,
         started_at TIMESTAMPTZ not null, finished_at TIMESTAMPTZ not null, rows BIGINT not null,
         unchanged BOOLEAN not null, inputs JSON not null, checks JSON not null, code_version VARCHAR not null,
         workflow_id VARCHAR not null, run_id VARCHAR not null, attempt INTEGER not null`,
        `*, '[]' as checks`,
      ),
      `create table _walflow.runs (id VARCHAR not null, cause JSON not null, status VARCHAR not null,
         created_at TIMESTAMPTZ not null, ended_at TIMESTAMPTZ)`,
      `create table _walflow.steps (run VARCHAR not null, no INTEGER not null, asset VARCHAR not null,
         scope VARCHAR not null, after_steps INTEGER[] not null, follows BOOLEAN not null,
         code_version VARCHAR not null, planned BIGINT not null, status VARCHAR not null, reason VARCHAR,
         error VARCHAR, partitions BIGINT not null, unchanged BIGINT not null, rows BIGINT not null,
         attempt INTEGER not null, started_at TIMESTAMPTZ, ended_at TIMESTAMPTZ)`,
      `create table _walflow.planned (run VARCHAR not null, no INTEGER not null, asset VARCHAR not null,
         partition VARCHAR)`,
      `create table _walflow.schedules (name VARCHAR not null, handled_at TIMESTAMPTZ not null)`,
      `create table _walflow.backfills (id VARCHAR not null, selection VARCHAR not null, only_state VARCHAR,
         chunk INTEGER not null, status VARCHAR not null, created_at TIMESTAMPTZ not null, ended_at TIMESTAMPTZ,
         counts JSON)`,
      `create table _walflow.backfill_partitions (backfill VARCHAR not null, layer INTEGER not null,
         position BIGINT not null, asset VARCHAR not null, partition VARCHAR, size INTEGER not null,
         state VARCHAR not null, run VARCHAR, reason VARCHAR)`,
    ],
  ],
]);

/** Makes a table again; rows are carried over by column name and cast to the new types. */
function remade(table: string, columns: string, rows = '*'): readonly string[] {
  return [
    `create or replace temp table _walflow_old as select ${rows} from _walflow.${table}`,
    `drop table _walflow.${table}`,
    `create table _walflow.${table} (${columns})`,
    `insert into _walflow.${table} by name select * from _walflow_old`,
    `drop table _walflow_old`,
  ];
}

/**
 * From the newest record of each partition. What is marked gets no code, so that it is due whatever it was made from; the others
 * were not due, whatever their code. ⚠ A derived input is now numbered by its records: all before this one were seen, or marked.
 */
function carriedPartitions(): string {
  return `insert into _walflow.partitions by name
    with newest as (
      select m.*, a.code_version as declared from _walflow.materializations m join _walflow.assets a using (asset)
      qualify row_number() over (partition by asset, partition order by no desc) = 1),
    read as (
      select asset, partition, no, unnest(from_json(inputs, '[{"asset": "VARCHAR", "seqTo": "BIGINT"}]')) as input
      from newest),
    positions as (
      select asset, partition, map_from_entries(list({'k': input.asset,
        'v': case when input.asset in (select asset from _walflow.assets) then no - 1 else input.seqTo end})) as positions
      from read group by all)
    select newest.asset, newest.partition, no, no as version,
      coalesce(positions.positions, map([]::VARCHAR[], []::BIGINT[])) as positions,
      case when exists (select 1 from _walflow.dirty_partitions mark where mark.asset = newest.asset
        and (mark.partition is null or mark.partition = newest.partition)) then '' else declared end as code_version,
      run_id, started_at as computed_at
    from newest left join positions on positions.asset = newest.asset
      and positions.partition is not distinct from newest.partition`;
}

/** Marked partitions that have no record yet. */
function carriedMarks(): string {
  return `insert into _walflow.partitions by name
    select distinct asset, partition, 0 as no, 0 as version, map([]::VARCHAR[], []::BIGINT[]) as positions,
      '' as code_version, '' as run_id, min(marked_at) over (partition by asset, partition) as computed_at
    from _walflow.dirty_partitions mark semi join _walflow.assets using (asset)
    where partition is not null and not exists (select 1 from _walflow.partitions known
      where known.asset = mark.asset and known.partition = mark.partition)`;
}

/** Assets that are not marked as a whole need no search for new partitions: as if one had been published last. */
function carriedSearches(): string {
  return `insert into _walflow.partitions by name
    select asset, null as partition, newest.no, newest.no as version,
      map([]::VARCHAR[], []::BIGINT[]) as positions, code_version, '' as run_id, declared_at as computed_at
    from _walflow.assets, (select coalesce(max(no), 0) + 1 as no from _walflow.materializations) newest where asset not in (select asset from _walflow.partitions where partition is null)
      and asset not in (select asset from _walflow.dirty_partitions where partition is null)`;
}
