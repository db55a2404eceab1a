// A captured table, assets that read it, and runs of these as automation and its workflows drive them, without either.

import { placed } from '../../../activities/warehouse/merge-plan.ts';
import type { StepResult } from '../../../activities/warehouse/run-order.ts';
import type { LoadedAsset } from '../../../workflows/model/asset/definition.ts';
import { type AssetGraph, buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import type { PlannedRun, RunEnd } from '../../../workflows/model/asset/run.ts';
import { StepQueue } from '../../../workflows/model/asset/step-queue.ts';
import { INT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import type { TestWarehouse } from './warehouse.ts';

const EVERY_MS = 5_000;
let labs = 0;

export class RunLab {
  readonly pipeline = `r${++labs}`;
  readonly orders: string;
  readonly #warehouse: TestWarehouse;
  readonly #entry;
  #graph: AssetGraph = buildAssetGraph([], new Set());
  #lsn = 100;
  nowMs = Date.now();

  constructor(warehouse: TestWarehouse) {
    this.#warehouse = warehouse;
    this.#entry = testEntry(`${this.pipeline}.orders`, { id: INT, total: INT, placed: TIMESTAMPTZ }, ['id']);
    this.orders = `${this.pipeline}/${this.#entry.table}`;
  }

  /** An eager asset of this lab. */
  asset(name: string, more: Omit<LoadedAsset, 'key'>): LoadedAsset {
    return { key: this.key(name), automation: { kind: 'eager' }, everyMs: EVERY_MS, ...more };
  }

  key(name: string): string {
    return `made_of_${this.pipeline}/${name}`;
  }

  /** One that sums orders by their day. */
  byDay(name: string, amount = 'sum(total)', more: Partial<LoadedAsset> = {}): LoadedAsset {
    return this.asset(name, {
      deps: [{ key: this.orders, by: 'placed' }],
      partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
      sql: `select date_trunc('day', placed) as day, ${amount} as total from {${this.orders}}
            where placed >= {start} and placed < {end} group by 1`,
      ...more,
    });
  }

  /** One row, computed of what other assets hold. */
  above(name: string, ...reads: readonly string[]): LoadedAsset {
    const counts = reads.map((read) => `(select count(*) from {${this.key(read)}})`);
    return this.asset(name, {
      deps: reads.map((read) => this.key(read)),
      sql: `select ${counts.join(' + ')} as n`,
    });
  }

  async declare(...assets: readonly LoadedAsset[]): Promise<void> {
    this.#graph = buildAssetGraph(assets, new Set([this.pipeline]));
    await this.#warehouse.port.declareAssets(this.#graph.derived, NOW);
    await this.#warehouse.port.declareViews(this.#graph.views);
  }

  get graph() {
    return this.#graph;
  }

  get assets() {
    return this.#graph.derived;
  }

  of(name: string) {
    return this.#graph.asset(this.key(name));
  }

  /** The table gets its first rows, a day each. */
  async load(...days: readonly string[]): Promise<void> {
    this.#lsn += 10;
    const rows = days.map((day, i) => ({ ...order(i + 1, day), op: 'r' as const }));
    const chunks = [await this.#warehouse.writer.write(this.#entry, rows)];
    const load = { ...placed(this.#entry), r0Lsn: '0000000000000001', chunks, files: [], truncates: [] };
    await this.#warehouse.merge(this.pipeline, this.#lsn, {
      ...{ begins: [placed(this.#entry)], loads: [load], readers: this.#graph.readersOfPipeline(this.pipeline) },
    });
  }

  async change(...changes: readonly TestChange[]): Promise<void> {
    this.#lsn += 10;
    const at = changes.map((one) => ({ ...one, lsn: this.#lsn - 9 }));
    const files = [await this.#warehouse.writer.write(this.#entry, at)];
    await this.#warehouse.merge(this.pipeline, this.#lsn, {
      tables: [{ ...placed(this.#entry), files, truncates: [] }],
      readers: this.#graph.readersOfPipeline(this.pipeline),
    });
  }

  async decide(...closed: readonly number[]) {
    return await this.#warehouse.port.decide({ assets: this.assets, closed, nowMs: this.nowMs });
  }

  /** What automation would start now: names of assets. */
  async decided(): Promise<readonly string[]> {
    const { run } = await this.decide();
    return run === null ? [] : run.steps.map(({ asset }) => asset.slice(asset.indexOf('/') + 1));
  }

  async step(run: PlannedRun, name: string, attempt = 1, signal = new AbortController().signal): Promise<StepResult> {
    const step = run.steps.find(({ asset }) => asset === this.key(name));
    if (step === undefined) throw new Error(`${name} is not in the run`);
    const ref = { workflowId: `run/${run.id}`, runId: 'temporal', attempt };
    return await this.#warehouse.port.runStep({ run: run.id, no: step.no, asset: this.of(name), attempt: ref, signal });
  }

  /** As the workflow does it. */
  async play(run: PlannedRun): Promise<RunEnd> {
    const queue = new StepQueue(run.steps, 1);
    while (!queue.isDone) {
      for (const { no, asset } of queue.next()) {
        try {
          queue.end(no, (await this.step(run, asset.slice(asset.indexOf('/') + 1))).outcome);
        } catch (failure) {
          queue.fail(no, String(failure));
        }
      }
    }
    const status = queue.failures > 0 ? 'failed' : 'succeeded';
    await this.end(run, status, queue.conclusions());
    return status;
  }

  async end(run: PlannedRun, status: RunEnd, steps: ReturnType<StepQueue['conclusions']> = []): Promise<void> {
    await this.#warehouse.port.endRun({ run: run.id, status, steps, nowMs: this.nowMs });
  }

  /** Decides and plays until nothing is due. @returns what each run computed: names of assets */
  async settle(): Promise<readonly (readonly string[])[]> {
    const runs: (readonly string[])[] = [];
    for (;;) {
      const { run } = await this.decide();
      if (run === null) return runs;

      runs.push(run.steps.map(({ asset }) => asset.slice(asset.indexOf('/') + 1)));
      await this.play(run);
    }
  }
}

export const order = (id: number, day: string, total = 10, op: TestChange['op'] = 'i'): TestChange => ({
  ...{ op, lsn: 1, ordinal: id, row: { id: String(id), total: String(total), placed: `${day} 12:00:00+00` } },
});
