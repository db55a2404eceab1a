// A project as processes use it: every default filled in, paths absolute, durations in milliseconds, all names checked
// against each other. Only resolve.ts makes one.

import type { AssetGraph } from '../../workflows/model/asset/graph.ts';
import type { LoadedSchedule } from '../../workflows/model/asset/schedule.ts';

/** The warehouse derived assets live in. */
export const ASSET_WAREHOUSE = 'main';

export interface ResolvedLake {
  /** As configured: `s3://bucket/prefix`. */
  readonly url: string;
  readonly bucket: string;
  /** Without slashes at either end; the pipeline's own folder is below it. */
  readonly prefix: string;
  /** Undefined = AWS. */
  readonly endpoint: string | undefined;
  /** Undefined = the SDK's own search. */
  readonly region: string | undefined;
  readonly verifyWrites: boolean;
  readonly inlineBytes: number;
}

export interface ResolvedPipeline {
  readonly name: string;
  readonly warehouse: string;
  readonly source: {
    readonly url: string;
    readonly tables: readonly string[];
    readonly newTables: 'add' | 'ignore';
    readonly slot: string;
    readonly publication: string;
    readonly maxRowBytes: number;
  };
  readonly lake: ResolvedLake;
  readonly flush: { readonly maxDelayMs: number; readonly maxRows: number; readonly maxBytes: number };
  readonly merge: { readonly maxRows: number; readonly maxBytes: number };
  readonly snapshot: { readonly chunkRows: number };
}

/** One type per engine; `kind` is the tag. */
export type ResolvedWarehouse = ResolvedDuckDb;

export interface ResolvedDuckDb {
  readonly name: string;
  readonly kind: 'duckdb';
  /** Absolute. */
  readonly path: string;
  readonly memoryLimit: string;
  /** Undefined = the number of cores less one. */
  readonly threads: number | undefined;
}

export interface ResolvedProject {
  readonly name: string;
  /** The configuration file; null for a project from command-line flags. */
  readonly file: string | null;
  /** That file, and those that it names: the project is what all of them say. */
  readonly files: readonly string[];
  readonly warehouses: ReadonlyMap<string, ResolvedWarehouse>;
  readonly pipelines: ReadonlyMap<string, ResolvedPipeline>;
  readonly graph: AssetGraph;
  readonly schedules: readonly LoadedSchedule[];
}

/** A project whose assets are still being examined: only assets without a fault make a graph. */
export type GraphlessProject = Omit<ResolvedProject, 'graph' | 'schedules'>;
