// A fresh warehouse for one test file, of whichever engine, and plans with everything filled in that a test does not care
// about.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { AssetFigures, DerivedState } from '../../activities/warehouse/asset-order.ts';
import {
  type MergeOutcome,
  type MergePlan,
  placed,
  type TableChanges,
  type TableLoad,
} from '../../activities/warehouse/merge-plan.ts';
import { FLOWING } from '../../activities/warehouse/table-status.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import type { DerivedAsset } from '../../workflows/model/asset/graph.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import type { TableName } from '../../workflows/model/relation.ts';
import { freshFolder } from '../support/folder.ts';
import { ChangeFileWriter, type TestChange } from './change-files.ts';

export const NOW = '2026-02-03T04:05:06.000Z';

/** Values as the engine prints them. */
export type TextRow = Readonly<Record<string, string | null>>;

export abstract class WarehouseLab {
  readonly folder = freshFolder();
  readonly spool: string;
  readonly writer: ChangeFileWriter;
  #port: Warehouse | null = null;

  constructor(spool = 'spool') {
    this.spool = join(this.folder, spool);
    this.writer = new ChangeFileWriter(this.spool);
  }

  /** The open warehouse as activities and workers see it. */
  get port(): Warehouse {
    if (this.#port === null) throw new Error('the warehouse is closed');
    return this.#port;
  }

  protected abstract openPort(): Promise<Warehouse>;

  /** Every row of a table, walflow's own columns among the others: what no port offers. */
  abstract rowsOf(place: TableName): Promise<readonly TextRow[]>;

  /** The figures of one asset. */
  async figuresOf(asset: DerivedAsset): Promise<AssetFigures | undefined> {
    return (await this.port.assetFigures([asset])).get(asset.key);
  }

  /** The known partitions of an asset in this state, in order. */
  async partitionsIn(asset: DerivedAsset, state: DerivedState): Promise<readonly string[]> {
    const found = await this.port.partitions(asset, { state, limit: 1_000 });
    return found.map(({ partition }) => partition);
  }

  /** Opens before the file's tests and closes after them. */
  forFile(): this {
    beforeAll(() => this.open());
    afterAll(() => this.close());
    return this;
  }

  async open(): Promise<void> {
    mkdirSync(this.spool, { recursive: true });
    this.#port = await this.openPort();
  }

  async close(): Promise<void> {
    await this.#port?.close();
    this.#port = null;
  }

  /** A plan for the next window of a pipeline: one manifest later, ending at `endLsn`. */
  async plan(pipeline: string, endLsn: number, parts: Partial<MergePlan>): Promise<MergePlan> {
    const expected = await this.port.watermark(pipeline);
    const tables = await this.port.tables(pipeline);
    const seq = expected.seq + 1;
    return {
      pipeline,
      expected,
      next: { epochNo: 1, seq, manifestHash: `hash-${seq}`, endLsn: lsnToHex(BigInt(endLsn)), effectiveTime: null },
      run: { workflowId: `merge/${pipeline}`, runId: 'run-1', attempt: 1 },
      flowing: tables.filter(({ state }) => FLOWING.includes(state)).map(({ table }) => table),
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
    const outcome = await this.mergePlan(await this.plan(pipeline, endLsn, parts));
    if (outcome.tag !== 'merged') throw new Error(`expected a merge, got ${outcome.tag}`);
    return outcome;
  }

  async mergePlan(plan: MergePlan): Promise<MergeOutcome> {
    return await this.port.merge(plan, this.writer);
  }

  /** Changes of a live table, in one file. */
  async changes(entry: CaptureEntry, list: readonly TestChange[]): Promise<TableChanges> {
    return { ...placed(entry), files: await this.#filesOf(entry, list), truncates: [] };
  }

  /** What makes a table live: copied rows and, from commit 100 on, changes. */
  async load(entry: CaptureEntry, copied: readonly TestChange[], list: readonly TestChange[]): Promise<TableLoad> {
    const chunks = await this.#filesOf(entry, copied);
    return { ...(await this.changes(entry, list)), r0Lsn: lsnToHex(100n), chunks };
  }

  /** Makes a new table live, with these rows, at the window that ends at `endLsn`. */
  async goLive(
    pipeline: string,
    endLsn: number,
    entry: CaptureEntry,
    rows: readonly TextRow[],
  ): Promise<Extract<MergeOutcome, { tag: 'merged' }>> {
    const copied = rows.map((row, ordinal): TestChange => ({ op: 'r', lsn: 1, ordinal, row }));
    return await this.merge(pipeline, endLsn, {
      begins: [placed(entry)],
      loads: [await this.load(entry, copied, [])],
    });
  }

  /** A table's rows without walflow's own columns, in an order of their own. */
  async contents(entry: CaptureEntry): Promise<readonly TextRow[]> {
    const names = entry.columns.map(({ name }) => name);
    const rows = await this.rowsOf(entry);
    return inOrder(rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null]))));
  }

  async #filesOf(entry: CaptureEntry, list: readonly TestChange[]) {
    return list.length > 0 ? [await this.writer.write(entry, list)] : [];
  }
}

/** By all their values, as text. */
export function inOrder(rows: readonly TextRow[]): readonly TextRow[] {
  const key = (row: TextRow) => JSON.stringify(Object.values(row));
  return [...rows].sort((one, other) => (key(one) < key(other) ? -1 : 1));
}
