// What a process gives to its activities: opened clients, settings, and where to report. Activities never read the
// environment and never open a client of their own.

import type { AssetGraph } from '../workflows/model/asset/graph.ts';
import type { RunEnd } from '../workflows/model/asset/run.ts';
import type { S3Lake } from './lake/s3/lake.ts';
import type { Warehouse } from './warehouse/warehouse.ts';

/** The part of a logger that activities use; fields are ids, positions and counts. */
export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** One pipeline, with every default filled in. */
export interface PipelineResources {
  readonly name: string;
  readonly warehouse: string;
  readonly source: {
    readonly url: string;
    readonly tables: readonly string[];
    readonly newTables: 'add' | 'ignore';
    readonly slot: string;
    readonly publication: string;
    /** Size of the largest row that is carried, as PostgreSQL prints it. */
    readonly maxRowBytes: number;
  };
  readonly flush: { readonly maxDelayMs: number; readonly maxRows: number; readonly maxBytes: number };
  readonly merge: {
    readonly maxRows: number;
    readonly maxBytes: number;
    /** How long a merge activity lingers for the next manifest before it returns. */
    readonly lingerMs: number;
    /** How often it looks while it lingers. */
    readonly pollMs: number;
    /** How far apart manifests of light traffic come. */
    readonly everyMs: number;
  };
  /** Rows in one chunk: bounds memory, and what has to be read again after a crash. */
  readonly snapshot: { readonly chunkRows: number };
  /** Ask for each data file (HEAD) before its manifest is stored. */
  readonly verifyWrites: boolean;
  /** Change files of a batch that are together at most so large ride inside its manifest; 0 = none do. */
  readonly inlineBytes: number;
  /** The pipeline's own folder in the bucket. */
  readonly lake: S3Lake;
}

/** Signals that only say "look": sent at least once, coalesced, never awaited on a row's way. */
export interface Doorbell {
  /** To merge/<pipeline>. */
  landed(pipeline: string): void;
  /** To automation/<project>: inputs of these assets changed. */
  changed(assets: readonly string[]): void;
}

/** What one landed manifest adds to the metrics. */
export interface LandedFigures {
  readonly rows: number;
  readonly endLsn: bigint;
  readonly flushSeconds: number;
}

export interface IngestTelemetry {
  landed(pipeline: string, figures: LandedFigures): void;
  slot(
    pipeline: string,
    figures: { lagBytes: number; retainedBytes: number; active: boolean; walStatus: string },
  ): void;
  available(pipeline: string, up: boolean): void;
}

export interface WarehouseTelemetry {
  /** Rows that became queryable, and when they were committed. */
  merged(pipeline: string, figures: { rows: number; commitTimesMs: readonly number[]; nowMs: number }): void;
  pending(pipeline: string, manifests: number): void;
  /** A materialization, from its start to its record. */
  assetRan(asset: string, seconds: number): void;
}

/** Aborted, with the reason, when the process cannot be trusted any more. */
interface ProcessState {
  readonly broken: AbortSignal;
}

export interface IngestResources extends ProcessState {
  readonly version: string;
  readonly pipelines: ReadonlyMap<string, PipelineResources>;
  readonly doorbell: Doorbell;
  readonly log: Log;
  readonly telemetry: IngestTelemetry;
}

/** What Temporal knows of runs. */
export interface RunLookup {
  /** How the workflow of a run has closed; null while it runs, or if there is none. */
  endOf(run: string): Promise<RunEnd | null>;
}

export interface WarehouseResources extends ProcessState {
  readonly pipelines: ReadonlyMap<string, PipelineResources>;
  readonly warehouse: Warehouse;
  readonly graph: AssetGraph;
  /** Where change files wait, on a local disk, for their merge. */
  readonly spoolFolder: string;
  readonly doorbell: Doorbell;
  readonly runLookup: RunLookup;
  readonly log: Log;
  readonly telemetry: WarehouseTelemetry;
}

/** The resources of one pipeline; an unknown name is a defect of the caller. */
export function pipelineOf(
  resources: { readonly pipelines: ReadonlyMap<string, PipelineResources> },
  name: string,
): PipelineResources {
  const pipeline = resources.pipelines.get(name);
  if (pipeline === undefined) throw new Error(`no pipeline "${name}" in this process`);
  return pipeline;
}
