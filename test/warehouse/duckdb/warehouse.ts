// A fresh warehouse for one test file, and plans with everything filled in that a test does not care about.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type DuckDbOwner, openDuckDb } from '../../../activities/warehouse/duckdb/client.ts';
import { DuckDbWarehouse } from '../../../activities/warehouse/duckdb/warehouse.ts';
import type { MergeOutcome, MergePlan } from '../../../activities/warehouse/merge-plan.ts';
import type { Warehouse } from '../../../activities/warehouse/warehouse.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import { freshFolder } from '../../support/folder.ts';
import { ChangeFileWriter } from './change-files.ts';

export const NOW = '2026-02-03T04:05:06.000Z';

export class TestWarehouse {
  readonly folder = freshFolder();
  readonly spool: string;
  readonly writer: ChangeFileWriter;
  #owner: DuckDbOwner | null = null;

  constructor(spool = 'spool') {
    this.spool = join(this.folder, spool);
    this.writer = new ChangeFileWriter(this.spool);
  }

  /** Opens before the file's tests and closes after them. */
  static forFile(spool?: string): TestWarehouse {
    const warehouse = new TestWarehouse(spool);
    beforeAll(() => warehouse.open());
    afterAll(() => warehouse.close());
    return warehouse;
  }

  get owner(): DuckDbOwner {
    if (this.#owner === null) throw new Error('the warehouse is closed');
    return this.#owner;
  }

  /** The open file as activities and workers see it. */
  get port(): Warehouse {
    return new DuckDbWarehouse(this.owner);
  }

  get options() {
    return {
      path: join(this.folder, 'warehouse.duckdb'),
      memoryLimit: '500MB',
      threads: 2,
      tempDirectory: join(this.folder, 'temp'),
      readableFolders: [this.spool],
      concurrentReads: 2,
    };
  }

  async open(): Promise<void> {
    mkdirSync(this.spool, { recursive: true });
    this.#owner = await openDuckDb(this.options);
  }

  async close(): Promise<void> {
    await this.#owner?.close();
    this.#owner = null;
  }

  /** A plan for the next window of a pipeline: one manifest later, ending at `endLsn`. */
  async plan(pipeline: string, endLsn: number, parts: Partial<MergePlan>): Promise<MergePlan> {
    const expected = await this.port.watermark(pipeline);
    const tables = await this.port.tables(pipeline);
    const flowing = tables.filter((t) => t.state === 'live' || t.state === 'append-only').map((t) => t.table);
    const seq = expected.seq + 1;
    return {
      pipeline,
      expected,
      next: { epochNo: 1, seq, manifestHash: `hash-${seq}`, endLsn: lsnToHex(BigInt(endLsn)), effectiveTime: null },
      run: { workflowId: `merge/${pipeline}`, runId: 'run-1', attempt: 1 },
      flowing,
      tables: [],
      loads: [],
      begins: [],
      pauses: [],
      removes: [],
      readers: [],
      nowIso: NOW,
      ...parts,
    };
  }

  async merge(
    pipeline: string,
    endLsn: number,
    parts: Partial<MergePlan>,
  ): Promise<Extract<MergeOutcome, { tag: 'merged' }>> {
    const outcome = await this.port.merge(await this.plan(pipeline, endLsn, parts), this.writer);
    if (outcome.tag !== 'merged') throw new Error(`expected a merge, got ${outcome.tag}`);
    return outcome;
  }

  async rows<Row = Record<string, unknown>>(sql: string): Promise<readonly Row[]> {
    return await this.owner.use((session) => session.rows<Row>(sql));
  }
}
