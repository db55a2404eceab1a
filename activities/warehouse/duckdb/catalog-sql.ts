// walflow's own tables in the warehouse, schema `_walflow`: where each pipeline stands, which run merged what, and what
// derived assets were made from. Positions are BIGINT, times TIMESTAMPTZ in UTC. Readers may query them; only the owner
// process writes.

/** Raised with every change of the tables below; each change adds a step to `MIGRATIONS`. */
export const CATALOG_VERSION = 2;

/** Marks of what is due, written by the transaction that changed an input. A NULL partition means the whole asset. */
const DIRTY_PARTITIONS = `create table _walflow.dirty_partitions (
     id UUID not null default uuid(), asset VARCHAR not null, partition VARCHAR, cause VARCHAR not null,
     seq BIGINT not null, marked_at TIMESTAMPTZ not null)`;
/** One row per partition and run, numbered in the order of their commits. */
const MATERIALIZATIONS = `create table _walflow.materializations (
     no BIGINT not null, id VARCHAR not null, asset VARCHAR not null, partition VARCHAR, started_at TIMESTAMPTZ not null,
     finished_at TIMESTAMPTZ not null, rows BIGINT not null, inputs JSON not null, code_version VARCHAR not null,
     workflow_id VARCHAR not null, run_id VARCHAR not null, attempt INTEGER not null)`;

export const CATALOG_DDL: readonly string[] = [
  `create schema _walflow`,
  `create table _walflow.version (version INTEGER not null)`,
  // One row per pipeline: the manifest it is merged up to, by hash.
  `create table _walflow.watermark (
     pipeline VARCHAR not null, epoch_no INTEGER not null, seq BIGINT not null, manifest_hash VARCHAR not null,
     end_lsn BIGINT not null, effective_time TIMESTAMPTZ, merged_at TIMESTAMPTZ)`,
  // One row per captured table. merged_seq and merged_lsn are set while a table does not stand at the watermark.
  `create table _walflow.tables (
     pipeline VARCHAR not null, table_id VARCHAR not null, schema_name VARCHAR not null, table_name VARCHAR not null,
     state VARCHAR not null, reason_code VARCHAR, reason VARCHAR, snapshot_id VARCHAR not null, r0_lsn BIGINT not null,
     from_seq BIGINT not null, schema_version VARCHAR not null, capture JSON not null,
     merged_seq BIGINT, merged_lsn BIGINT, changed_at TIMESTAMPTZ not null)`,
  // One row per merged window.
  `create table _walflow.ledger (
     pipeline VARCHAR not null, seq_from BIGINT not null, seq_to BIGINT not null, lsn_from BIGINT not null,
     lsn_to BIGINT not null, rows JSON not null, workflow_id VARCHAR not null, run_id VARCHAR not null,
     attempt INTEGER not null, started_at TIMESTAMPTZ not null, merged_at TIMESTAMPTZ not null)`,
  // Derived assets as last declared by the configuration, and the tables they read.
  `create table _walflow.assets (asset VARCHAR not null, code_version VARCHAR not null, declared_at TIMESTAMPTZ not null)`,
  `create table _walflow.asset_inputs (asset VARCHAR not null, schema_name VARCHAR not null, table_name VARCHAR not null)`,
  DIRTY_PARTITIONS,
  MATERIALIZATIONS,
];

/**
 * Step n turns a catalog of version n into one of version n + 1. Steps never change: once a later version changes a table, the
 * step spells out the table it makes. No ALTER: DuckDB cannot commit one after other changes of the same table.
 */
export const MIGRATIONS: ReadonlyMap<number, readonly string[]> = new Map([
  // Before, partitions were days (DATE), and marks had no id.
  [1, [...remade('dirty_partitions', DIRTY_PARTITIONS), ...remade('materializations', MATERIALIZATIONS)]],
]);

/** Makes a table again; rows are carried over by column name and cast to the new types. */
function remade(table: string, ddl: string): readonly string[] {
  return [
    `create or replace temp table _walflow_old as select * from _walflow.${table}`,
    `drop table _walflow.${table}`,
    ddl,
    `insert into _walflow.${table} by name select * from _walflow_old`,
    `drop table _walflow_old`,
  ];
}

/** SQL: a TIMESTAMPTZ as ISO 8601 text with microseconds, as in manifests and in the API. */
export const isoText = (column: string) => `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%fZ')`;
