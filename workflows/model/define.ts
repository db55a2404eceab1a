// The package's only public entry: what a user writes in walflow.config.ts. The builders only give values their types;
// defaults and validation are in workers/config, where the file is loaded.

import type { AcceptedValue, Check } from './asset/check.ts';
import type { AssetDefinition, Automation, CapturedDefinition, SeedDefinition } from './asset/definition.ts';
import type { DeclaredDependency, Dependency } from './asset/dependency.ts';
import type { PartitionMapping } from './asset/mapping.ts';
import type { Dimension, MultiPartitions, StaticPartitions } from './asset/partitioning.ts';
import type { ScheduleDefinition } from './asset/schedule.ts';
import type { TimePartitions } from './asset/time-partition.ts';

export interface SourceConfig {
  /** postgres:// URL of the source database. */
  readonly url: string | undefined;
  /** `schema.table` or `schema.*`. */
  readonly tables: readonly string[];
  readonly newTables?: 'add' | 'ignore';
  /** Replication slot, default `walflow_<pipeline>`. */
  readonly slot?: string;
  /** Publication, default `walflow_<pipeline>`; a second one `<publication>_append` carries tables without a key. */
  readonly publication?: string;
  /** The largest row that is carried, as PostgreSQL prints it; a table with a larger row pauses. Default 256 MiB. */
  readonly maxRowBytes?: number;
}

export interface LakeConfig {
  /** `s3://bucket/prefix`; the pipeline has its own folder below it. */
  readonly url: string;
  readonly endpoint?: string;
  readonly region?: string;
  /** Ask for each data file (HEAD) before its manifest is stored; costs a round trip. Default false. */
  readonly verifyWrites?: boolean;
  /** A batch whose change files are together at most so large is stored inside its manifest; 0 = never. Default 48 KiB. */
  readonly inlineBytes?: number;
}

export interface FlushConfig {
  /** A batch is cut at the first commit after so many milliseconds. Default 250. */
  readonly maxDelayMs?: number;
  /** … or at so many rows. Default 100,000. */
  readonly maxRows?: number;
  /** … or at so many bytes. Default 32 MiB. */
  readonly maxBytes?: number;
}

export interface MergeConfig {
  /** Merge at most so many rows in one transaction. Default 1,000,000. */
  readonly maxRows?: number;
  /** Merge at most so many bytes in one transaction. Default 256 MiB. */
  readonly maxBytes?: number;
}

export interface SnapshotConfig {
  /** Rows in one chunk of a snapshot. Default 50,000. */
  readonly chunkRows?: number;
}

export interface PipelineConfig {
  readonly source: SourceConfig;
  readonly lake: LakeConfig;
  readonly flush?: FlushConfig;
  readonly merge?: MergeConfig;
  readonly snapshot?: SnapshotConfig;
  /** Name in `warehouses`, default `main`. */
  readonly warehouse?: string;
}

/** One type per engine; `kind` is the tag. */
export type WarehouseConfig = DuckDbWarehouse;

export interface DuckDbWarehouse {
  readonly kind: 'duckdb';
  readonly path: string;
  /** DuckDB `memory_limit`, e.g. '1GB'. */
  readonly memoryLimit?: string;
  readonly threads?: number;
}

export interface ProjectConfig {
  readonly name: string;
  readonly warehouses: Readonly<Record<string, WarehouseConfig>>;
  readonly pipelines: Readonly<Record<string, PipelineConfig>>;
  /** Defaults of the assets of a group, and of the groups inside it, by its name. */
  readonly groups?: Readonly<Record<string, GroupConfig>>;
  readonly assets?: readonly (AssetConfig | ViewConfig | SeedConfig | CapturedConfig)[];
  readonly schedules?: readonly ScheduleDefinition[];
}

/** What an asset says itself comes first, then what the nearest group says; tags are put together. */
export type GroupConfig = Pick<AssetDefinition, 'owners' | 'tags' | 'automation' | 'freshness'>;

export interface AssetConfig extends Omit<AssetDefinition, 'deps' | 'sql'> {
  /** `'sql'`: every `{key}` of its SQL, without options. */
  readonly deps: readonly DeclaredDependency[] | 'sql';
  readonly sql: string | SqlFile;
}

/** A query with a name: nothing is stored, and what reads it is due when the tables change that it reads. */
export interface ViewConfig
  extends Pick<AssetConfig, 'key' | 'previousKeys' | 'description' | 'owners' | 'tags' | 'deps' | 'table' | 'sql'> {
  readonly kind: 'view';
}

export interface SeedConfig extends SeedDefinition {
  readonly kind: 'seed';
}

export interface CapturedConfig extends CapturedDefinition {
  readonly kind: 'captured';
}

/** A file with SQL. */
export interface SqlFile {
  readonly kind: 'sqlFile';
  /** Relative to the configuration. */
  readonly path: string;
}

/** Gives the configuration its types; returns it unchanged. */
export function defineConfig(config: ProjectConfig): ProjectConfig {
  return config;
}

/** A DuckDB file as a warehouse; one walflow process owns it. */
export function duckdb(options: Omit<DuckDbWarehouse, 'kind'>): DuckDbWarehouse {
  return { kind: 'duckdb', ...options };
}

/** A table derived from others by SQL. `key` is `group/name`; docs/configuration.md lists the fields. */
export function asset(key: string, definition: Omit<AssetConfig, 'key'>): AssetConfig {
  return { key, ...definition };
}

/** A view in the warehouse: its SQL is run by whatever reads it. */
export function view(key: string, definition: Omit<ViewConfig, 'kind' | 'key'>): ViewConfig {
  return { kind: 'view', key, ...definition };
}

/** A table whose rows are in a CSV, Parquet or JSON file of the repository; it is loaded again when the content changes. */
export function seed(key: string, definition: Omit<SeedDefinition, 'key'>): SeedConfig {
  return { kind: 'seed', key, ...definition };
}

/** Describes a captured table; `key` is `<pipeline>/<schema>.<table>`. */
export function captured(key: string, description: Omit<CapturedDefinition, 'key'>): CapturedConfig {
  return { kind: 'captured', key, ...description };
}

/** SQL in a file of its own, relative to the configuration. */
export function sqlFile(path: string): SqlFile {
  return { kind: 'sqlFile', path };
}

/** A dependency of an asset. With `by` a changed row makes the partitions due that it left and came to, else the whole asset. */
export function dep(key: string, options: Omit<Dependency, 'key'> = {}): Dependency {
  return { key, ...options };
}

/** One partition an hour of the zone's clock. `output` is the column of the result that holds the time. */
export function hourly(options: Omit<TimePartitions, 'kind'>): TimePartitions {
  return { kind: 'hourly', ...options };
}

/** One partition a day of the zone's calendar; UTC unless `timezone` says otherwise. */
export function daily(options: Omit<TimePartitions, 'kind'>): TimePartitions {
  return { kind: 'daily', ...options };
}

/** One partition a week, named by its Monday. */
export function weekly(options: Omit<TimePartitions, 'kind'>): TimePartitions {
  return { kind: 'weekly', ...options };
}

/** One partition a month, named like `2026-11`. */
export function monthly(options: Omit<TimePartitions, 'kind'>): TimePartitions {
  return { kind: 'monthly', ...options };
}

/** One partition for each of the values. `output` is the column of the result that holds it. */
export function staticPartitions(
  values: readonly string[],
  options: Omit<StaticPartitions, 'kind' | 'values'>,
): StaticPartitions {
  return { kind: 'static', values, ...options };
}

/** One partition for each combination of two or three dimensions; its key has theirs in this order: `2026-11-27|eu`. */
export function multiPartitions(dimensions: Readonly<Record<string, Dimension>>): MultiPartitions {
  return { kind: 'multi', dimensions };
}

/**
 * A partition reads the partitions of a dependency that overlap it; by time, also those that overlap its `start` before to its
 * `end` behind: `{ start: -6, end: 0 }` are a day and the six days before it.
 */
export function samePartition({
  start = 0,
  end = 0,
}: {
  readonly start?: number;
  readonly end?: number;
} = {}): PartitionMapping {
  return { kind: 'same', start, end };
}

/** A partition by time reads those of a dependency that overlap it or one of the n − 1 before it: 7 are a week that ends with it. */
export function lastPartitions(n: number): PartitionMapping {
  return { kind: 'same', start: 1 - n, end: 0 };
}

/** Every partition reads all partitions of a dependency. */
export function allPartitions(): PartitionMapping {
  return { kind: 'all' };
}

/** Run whenever an input has changed: at once after a quiet time, under traffic once in `every`. */
export function eager(options: Omit<Automation, 'kind'> = {}): Automation {
  return { kind: 'eager', ...options };
}

/**
 * A SELECT of the rows that break it, over `{this}`. With `blocking` they are not published: `{new}` is then what a step is about
 * to publish, and `{this}` the table as it would be.
 */
export function check(options: Omit<Extract<Check, { kind: 'sql' }>, 'kind'>): Check {
  return { kind: 'sql', ...options };
}

/** None of the columns is NULL. Like all checks below: `{ ...notNull('day'), blocking: true }` keeps such rows from being published. */
export function notNull(...columns: readonly string[]): Check {
  return { kind: 'notNull', columns };
}

/** No two rows have the same values in these columns. Rows with a NULL in one of them do not count. */
export function unique(...columns: readonly string[]): Check {
  return { kind: 'unique', columns };
}

/** The column is one of the values, or NULL. */
export function acceptedValues(column: string, values: readonly AcceptedValue[]): Check {
  return { kind: 'acceptedValues', column, values };
}

/** The column's value stands in a column of another table, or is NULL. `to` is one of the asset's deps. */
export function relationship(column: string, to: string, toColumn: string): Check {
  return { kind: 'relationship', column, to, toColumn };
}

/** How many rows the table has. */
export function rowCount(bounds: { readonly min?: number; readonly max?: number }): Check {
  return { kind: 'rowCount', ...bounds };
}

/** Materializes a selection of assets at the times of a cron or calendar, on the clock of a zone. */
export function schedule(name: string, definition: Omit<ScheduleDefinition, 'name'>): ScheduleDefinition {
  return { name, ...definition };
}
