// What activities are given by the process that wires them: opened clients, settings, and where to report. Activities
// never read the environment and never open a client they were not handed.

import type { AssetGraph } from '../workflows/model/asset/graph.ts';
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
  };
  readonly flush: { readonly maxDelayMs: number; readonly maxRows: number; readonly maxBytes: number };
  readonly merge: {
    readonly maxRows: number;
    readonly maxBytes: number;
    /** How long a merge activity waits for the next manifest before it returns. */
    readonly lingerMs: number;
    /** How often it looks meanwhile. */
    readonly pollMs: number;
  };
  /** Rows of a first copy read and encoded at once: bounds memory, and what a crash repeats. */
  readonly snapshot: { readonly chunkRows: number };
  /** HEAD each data file before its manifest. */
  readonly verifyWrites: boolean;
  /** The pipeline's own folder in the bucket. */
  readonly lake: S3Lake;
}

/** Doorbells: at least once, coalesced, never awaited on the way of a row. */
export interface Doorbell {
  /** To merge/<pipeline>. */
  landed(pipeline: string): void;
  /** To automation/<project>. */
  changed(): void;
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
  /** Rows made queryable, and how long after their commits. */
  merged(pipeline: string, figures: { rows: number; commitTimesMs: readonly number[]; nowMs: number }): void;
  pending(pipeline: string, manifests: number): void;
  /** A materialization, from its start to its record. */
  assetRan(asset: string, seconds: number): void;
}

export interface IngestResources {
  readonly version: string;
  readonly pipelines: ReadonlyMap<string, PipelineResources>;
  readonly doorbell: Doorbell;
  readonly log: Log;
  readonly telemetry: IngestTelemetry;
}

export interface WarehouseResources {
  readonly pipelines: ReadonlyMap<string, PipelineResources>;
  readonly warehouse: Warehouse;
  readonly graph: AssetGraph;
  /** Where change files wait, on a local disk, for their merge. */
  readonly spoolFolder: string;
  readonly doorbell: Doorbell;
  readonly log: Log;
  readonly telemetry: WarehouseTelemetry;
}

/** The resources of one pipeline; asking for an unknown one is a defect of the caller. */
export function pipelineOf(
  resources: { readonly pipelines: ReadonlyMap<string, PipelineResources> },
  name: string,
): PipelineResources {
  const pipeline = resources.pipelines.get(name);
  if (pipeline === undefined) throw new Error(`no pipeline "${name}" in this process`);
  return pipeline;
}
