// What a user says of an asset: how a derived one is made, and what a captured table is.

import type { Checks } from './check.ts';
import type { DeclaredColumns, SchemaChange } from './contract.ts';
import type { DeclaredDependency } from './dependency.ts';
import type { Partitions } from './partitioning.ts';

export interface Automation {
  readonly kind: 'eager';
  /** At most one decision in this time, shared by all assets with the same value. Default '5 seconds'. */
  readonly every?: string;
  /** `all`: also partitions whose dependency changed as a whole, not only the latest one by time. */
  readonly scope?: 'all';
  /** `all`: other code makes every partition again; without it, only an asset without partitions is. */
  readonly onCodeChange?: 'all';
}

export interface Freshness {
  readonly warnAfter: string;
  readonly failAfter: string;
}

export interface AssetDefinition {
  /** `group/name`: schema `group`, table `name` in the warehouse. */
  readonly key: string;
  /** What it was called before, from the first one on: under its new key it keeps what it had. */
  readonly previousKeys?: readonly string[];
  readonly description?: string;
  /** `team:finance`, an address, …: whom to ask. */
  readonly owners?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly deps: readonly DeclaredDependency[];
  readonly partitions?: Partitions;
  readonly automation?: Automation;
  readonly freshness?: Freshness;
  /** All columns of the result; without them, it has those that its SQL yields. */
  readonly columns?: DeclaredColumns;
  /** Default 'rebuild'. */
  readonly onSchemaChange?: SchemaChange;
  /** What must hold of its rows. */
  readonly checks?: Checks;
  /** The `schema.table` of the result; default: derived from the key. */
  readonly table?: string;
  /** `{key}` stands for a dependency's table, `{start}` and `{end}` for the bounds of the partition; `{end}` is exclusive. */
  readonly sql: string;
}

export type SeedFormat = 'csv' | 'parquet' | 'json';

/** A file with the rows of a table. */
export interface SeedDefinition
  extends Pick<AssetDefinition, 'key' | 'previousKeys' | 'description' | 'owners' | 'tags' | 'table'> {
  /** Relative to the configuration. */
  readonly file: string;
  /** Default: as the file's name ends. */
  readonly format?: SeedFormat;
  /** Types by column, as the warehouse writes them; those of other columns are found in the file. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Between the values of a CSV file; default ',', of a .tsv file a tab. */
  readonly delimiter?: string;
}

export interface LoadedSeed extends Pick<SeedDefinition, 'columns'> {
  /** Absolute. */
  readonly path: string;
  readonly format: SeedFormat;
  readonly delimiter: string;
  /** SHA-256 of the content, in hex. */
  readonly hash: string;
}

/** What a user says of a captured table. */
export interface CapturedDefinition {
  /** `<pipeline>/<schema>.<table>`. */
  readonly key: string;
  readonly description?: string;
  readonly owners?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly freshness?: Freshness;
}

export interface LoadedCaptured extends CapturedDefinition {
  readonly freshnessLimits?: FreshnessLimits;
}

export interface FreshnessLimits {
  readonly warnAfterMs: number;
  readonly failAfterMs: number;
}

/** A definition after loading: durations are numbers, SQL is text, defaults of its group are its own. */
export interface LoadedAsset extends AssetDefinition {
  /** What it is, if not a table. */
  readonly kind?: 'view' | 'seed';
  /** Of a seed, which has no SQL. */
  readonly seed?: LoadedSeed;
  /** Those that its SQL reads, and those that they read: their code is a part of its own. */
  readonly views?: readonly LoadedAsset[];
  /** Of what it reads, the first keys of those that were renamed. */
  readonly firstKeys?: Readonly<Record<string, string>>;
  /** `deps` are what its SQL reads, and not a list that someone wrote. */
  readonly depsFromSql?: true;
  readonly freshnessLimits?: FreshnessLimits;
  /** Of `automation`. */
  readonly everyMs?: number;
}
