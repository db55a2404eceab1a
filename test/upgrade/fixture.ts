// A recorded fixture (see record.ts): a warehouse file of an older catalog version, the lake behind it, what was answered.

import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import type { S3Lake } from '../../activities/lake/s3/lake.ts';
import { mergePending } from '../../activities/merge.ts';
import type { PipelineResources, WarehouseResources } from '../../activities/resources.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { resolveProject } from '../../workers/config/resolve.ts';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import type { MergeResult } from '../../workflows/model/run.ts';
import { ORIGIN, project } from '../config/sample-project.ts';
import { FIXTURE_ASSETS, FIXTURE_PIPELINE } from './fixture-assets.ts';

const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));
/** As a worker declares them, with every default filled in. */
export const FIXTURE_GRAPH = resolveProject(project({ assets: FIXTURE_ASSETS }), ORIGIN).graph;

/** What the version that recorded the fixture said. */
export interface Answers {
  /** epoch_no, seq, manifest_hash, end_lsn */
  readonly watermark: readonly (readonly [number, number, string, number])[];
  /** What was due: the asset, in older versions with the partition and more. */
  readonly due: readonly (readonly unknown[])[];
  readonly materializations: Readonly<Record<string, readonly Materialization[]>>;
  readonly rows: Readonly<Record<string, readonly (readonly unknown[])[]>>;
}

export class Fixture {
  readonly #folder: string;
  /** When the file was written, and at the end of the lake. */
  readonly answers: { readonly before: Answers; readonly after: Answers };

  constructor(catalogVersion: number) {
    this.#folder = join(GOLDEN, `catalog-${catalogVersion}`);
    this.answers = JSON.parse(readFileSync(join(this.#folder, 'answers.json'), 'utf8'));
  }

  unpack(path: string): void {
    writeFileSync(path, zstdDecompressSync(readFileSync(join(this.#folder, 'warehouse.duckdb.zst'))));
  }

  /** Merges all of the lake that the warehouse has not seen, as the merge activity does. */
  async merge(warehouse: Warehouse, spoolFolder: string): Promise<MergeResult> {
    const pipeline = {
      name: FIXTURE_PIPELINE,
      merge: { maxRows: 1_000_000, maxBytes: 1_000_000_000, lingerMs: 1_000, pollMs: 10 },
      lake: new FolderLake(join(this.#folder, 'lake')) as unknown as S3Lake,
    };
    const resources: WarehouseResources = {
      pipelines: new Map([[FIXTURE_PIPELINE, pipeline as unknown as PipelineResources]]),
      ...{ warehouse, graph: FIXTURE_GRAPH, spoolFolder },
      doorbell: { landed: () => {}, changed: () => {} },
      runLookup: { endOf: async () => null },
      log: { info: () => {}, warn: () => {} },
      broken: new AbortController().signal,
      telemetry: { merged: () => {}, pending: () => {}, assetRan: () => {} },
    };
    const context = {
      info: { attempt: 1, workflowExecution: { workflowId: `merge/${FIXTURE_PIPELINE}`, runId: 'r' } },
      heartbeat: () => {},
      cancellationSignal: new AbortController().signal,
    };
    const input = { pipeline: FIXTURE_PIPELINE, rejected: [] };
    return await asyncLocalStorage.run(context as unknown as Context, () => mergePending(resources, input));
  }
}

/** A lake that is a folder, and whose log has ended. */
class FolderLake {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(key: string): Promise<Buffer | null> {
    return await readFile(join(this.#folder, key)).catch(() => null);
  }

  async exists(key: string): Promise<boolean> {
    return (await stat(join(this.#folder, key)).catch(() => null)) !== null;
  }

  async getToFile(key: string, path: string): Promise<void> {
    await copyFile(join(this.#folder, key), path);
  }
}
