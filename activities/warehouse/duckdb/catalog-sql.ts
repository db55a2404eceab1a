// walflow's own tables in the warehouse, schema `_walflow`: where each pipeline stands, which run merged what, and what
// derived assets were made from. Positions are BIGINT, times TIMESTAMPTZ in UTC. Readers may query them; only the owner
// process writes.

/** Raised with every change of the tables below; each change adds a step to migrations.ts. */
export const CATALOG_VERSION = 4;

/** Derived assets as last declared by the configuration. `reads`: which places of which inputs they read, as JSON. */
const ASSETS = `create table _walflow.assets (
     asset VARCHAR not null, code_version VARCHAR not null, declared_at TIMESTAMPTZ not null, reads VARCHAR not null)`;
/**
 * What changed in an asset: appended by the transaction that changed its rows, folded to the greatest number, and never cleared.
 * `place` says by what rows are placed in partitions. A NULL partition means all partitions of the place.
 */
const TOUCHED = `create table _walflow.touched (
     source VARCHAR not null, place VARCHAR not null, partition VARCHAR, seq BIGINT not null,
     touched_at TIMESTAMPTZ not null)`;
/**
 * The newest record of each partition. `version` is the number of the last record that changed its rows, `positions` the
 * version up to which each input was read. A NULL partition is the whole of an asset without partitions; with partitions, it
 * says up to where the inputs were searched for new ones.
 */
const PARTITIONS = `create table _walflow.partitions (
     asset VARCHAR not null, partition VARCHAR, no BIGINT not null, version BIGINT not null,
     positions MAP(VARCHAR, BIGINT) not null, code_version VARCHAR not null, run_id VARCHAR not null,
     computed_at TIMESTAMPTZ not null)`;
/** One row per partition and run, numbered in the order of their commits. */
const MATERIALIZATIONS = `create table _walflow.materializations (
     no BIGINT not null, id VARCHAR not null, asset VARCHAR not null, partition VARCHAR, started_at TIMESTAMPTZ not null,
     finished_at TIMESTAMPTZ not null, rows BIGINT not null, unchanged BOOLEAN not null, inputs JSON not null,
     checks JSON not null, code_version VARCHAR not null, workflow_id VARCHAR not null, run_id VARCHAR not null, attempt INTEGER not null)`;

/**
 * What checks found: a row for each check, and one for each partition that a blocking check keeps from being published. `rule` is
 * a hash of what it looks for, `up_to` the newest record of the asset that it saw, `attempts` how many times in a row it was so.
 */
const CHECKS = `create table _walflow.checks (
     asset VARCHAR not null, name VARCHAR not null, rule VARCHAR not null, partition VARCHAR, state VARCHAR not null,
     failing BIGINT not null, keys JSON not null, error VARCHAR, up_to BIGINT not null, attempts INTEGER not null, checked_at TIMESTAMPTZ not null,
     run_id VARCHAR not null)`;

/** What is to be computed, and what came of it. `queued` until it has ended: what computes now is known to its process alone. */
const RUNS = `create table _walflow.runs (
     id VARCHAR not null, cause JSON not null, status VARCHAR not null, created_at TIMESTAMPTZ not null,
     ended_at TIMESTAMPTZ)`;
/** `after_steps`: the steps of the run that come first; `follows`: it has nothing to do unless one of them changed something. */
const STEPS = `create table _walflow.steps (
     run VARCHAR not null, no INTEGER not null, asset VARCHAR not null, scope VARCHAR not null, after_steps INTEGER[] not null,
     follows BOOLEAN not null, code_version VARCHAR not null, planned BIGINT not null, status VARCHAR not null,
     reason VARCHAR, error VARCHAR, partitions BIGINT not null, unchanged BIGINT not null, rows BIGINT not null,
     attempt INTEGER not null, started_at TIMESTAMPTZ, ended_at TIMESTAMPTZ)`;
/** The partitions of steps that have a list, until the step ends. NULL is the whole of an asset without partitions. */
const PLANNED = `create table _walflow.planned (
     run VARCHAR not null, no INTEGER not null, asset VARCHAR not null, partition VARCHAR)`;

/** Up to which nominal time the ticks of a schedule are handled. */
const SCHEDULES = `create table _walflow.schedules (name VARCHAR not null, handled_at TIMESTAMPTZ not null)`;
/** `only_state`: of its partitions only those in this state; `counts`: what came of it, as JSON, once it has ended. */
const BACKFILLS = `create table _walflow.backfills (
     id VARCHAR not null, selection VARCHAR not null, only_state VARCHAR, chunk INTEGER not null, status VARCHAR not null,
     created_at TIMESTAMPTZ not null, ended_at TIMESTAMPTZ, counts JSON)`;
/**
 * In their order; assets of lower layers come first. `size`: how many go into one run. Once the backfill has ended only those
 * that could not be computed are left.
 */
const BACKFILL_PARTITIONS = `create table _walflow.backfill_partitions (
     backfill VARCHAR not null, layer INTEGER not null, position BIGINT not null, asset VARCHAR not null, partition VARCHAR,
     size INTEGER not null, state VARCHAR not null, run VARCHAR, reason VARCHAR)`;

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
  ASSETS,
  TOUCHED,
  PARTITIONS,
  MATERIALIZATIONS,
  CHECKS,
  RUNS,
  STEPS,
  PLANNED,
  SCHEDULES,
  BACKFILLS,
  BACKFILL_PARTITIONS,
];

/** SQL: a TIMESTAMPTZ as ISO 8601 text with microseconds, as in manifests and in the API. */
export const isoText = (column: string) => `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%fZ')`;
