// A second engine, so that the port is proven by two: everything in memory, every window replayed change by change, no SQL.
// Slow, and as plain as the port's words.

import type { AssetFigures, DueAsset, PartitionQuery } from '../../../activities/warehouse/asset-order.ts';
import type { CompareOrder, TableComparison } from '../../../activities/warehouse/comparison.ts';
import type { FileSource } from '../../../activities/warehouse/file-source.ts';
import type { MergeOutcome, MergePlan, TablePauseOrder } from '../../../activities/warehouse/merge-plan.ts';
import { damageOf } from '../../../activities/warehouse/table-damage.ts';
import type { LedgerEntry, TableStatus } from '../../../activities/warehouse/table-status.ts';
import { Turnstile } from '../../../activities/warehouse/turnstile.ts';
import type { Warehouse } from '../../../activities/warehouse/warehouse.ts';
import type { DerivedAsset } from '../../../workflows/model/asset/graph.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { TableName } from '../../../workflows/model/relation.ts';
import type { Watermark } from '../../../workflows/model/watermark.ts';
import type { ParquetReader } from '../../lake/parquet-reader.ts';
import { declare, due, figures, touchedDays } from './asset-changes.ts';
import { readChanges } from './change-reader.ts';
import { compareText } from './comparison.ts';
import type { StoredRow } from './fold.ts';
import { mergeInto, type TableInput, type WindowInput } from './merge.ts';
import { pipelineIn, placeKey, type ReferenceState } from './state.ts';

const noSql = () => Promise.reject(new WalflowError('INTERNAL', 'the reference runs no SQL'));

export class ReferenceWarehouse implements Warehouse {
  readonly #reader: ParquetReader;
  readonly #merging = new Turnstile(1);
  #state: ReferenceState = { pipelines: new Map(), stored: new Map(), assets: { declared: new Map(), touches: [] } };
  #nextMerge = Promise.withResolvers<void>();
  readonly invalidated = new Promise<never>(() => {});
  readonly materialize = noSql;
  readonly checkPublished = noSql;
  readonly checks = noSql;
  readonly materializations = noSql;
  readonly newestMaterializations = noSql;
  readonly query = noSql;
  readonly declareViews = noSql;
  readonly viewStates = noSql;
  readonly declarations = noSql;
  readonly decide = noSql;
  readonly planRun = noSql;
  readonly runStep = noSql;
  readonly endRun = noSql;
  readonly cancelSteps = () => {};
  readonly runs = noSql;
  readonly run = noSql;
  readonly dueFacts = noSql;
  readonly planTick = noSql;
  readonly handledTimes = noSql;
  readonly backfillPlan = noSql;
  readonly planBackfill = noSql;
  readonly backfillTurn = noSql;
  readonly setBackfill = noSql;
  readonly backfills = noSql;
  readonly backfill = noSql;
  readonly liveBackfills = noSql;

  constructor(reader: ParquetReader) {
    this.#reader = reader;
  }

  async watermark(pipeline: string): Promise<Watermark> {
    return pipelineIn(this.#state, pipeline).watermark;
  }

  async tables(pipeline: string, table?: string): Promise<readonly TableStatus[]> {
    const all = [...pipelineIn(this.#state, pipeline).tables].sort(([one], [other]) => (one < other ? -1 : 1));
    return all.flatMap(([name, record]) => (table === undefined || name === table ? [{ table: name, ...record }] : []));
  }

  async rowCounts(pipeline: string): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const [table, { place, reason }] of pipelineIn(this.#state, pipeline).tables) {
      const rows = this.#state.stored.get(placeKey(place));
      if (rows !== undefined && reason?.code !== 'NAME_COLLISION') counts.set(table, rows.length);
    }
    return counts;
  }

  async ledger(pipeline: string, limit: number): Promise<readonly LedgerEntry[]> {
    const { ledger } = pipelineIn(this.#state, pipeline);
    return ledger.filter(({ rows }) => Object.keys(rows).length > 0).slice(0, limit);
  }

  async dropDetached(pipeline: string, table?: string): Promise<readonly string[]> {
    const { tables } = pipelineIn(this.#state, pipeline);
    const detached = [...tables].filter(([name, { state }]) => state === 'detached' && (table ?? name) === name);
    for (const [name, { place }] of detached) {
      tables.delete(name);
      this.#state.stored.delete(placeKey(place));
    }
    return detached.map(([name]) => name).sort();
  }

  async merge(plan: MergePlan, source: FileSource): Promise<MergeOutcome> {
    const outcome = await this.#merging.pass(async () => {
      const input = await this.#read(plan, source);
      const draft = structuredClone(this.#state);
      const merged = mergeInto(draft, plan, input);
      this.#state = draft;
      return merged;
    });
    const { resolve: wake } = this.#nextMerge;
    this.#nextMerge = Promise.withResolvers();
    wake();
    return outcome;
  }

  get nextMerge(): Promise<void> {
    return this.#nextMerge.promise;
  }

  /** It reads files when it merges them. */
  async prefetch(): Promise<void> {}

  async tidyBetweenMerges(): Promise<void> {}

  async tidyWhileIdle(): Promise<void> {}

  async declareAssets(assets: readonly DerivedAsset[], nowIso: string): Promise<void> {
    declare(this.#state.assets, assets, nowIso);
  }

  async dueAssets(assets: readonly DerivedAsset[]): Promise<readonly DueAsset[]> {
    return due(this.#state.assets, assets, (place) => this.#state.stored.has(placeKey(place)));
  }

  async partitions({ key }: DerivedAsset, { state, limit, cursor = '' }: PartitionQuery) {
    const missing = touchedDays(this.#state.assets, key).filter(
      (day) => day > cursor && (state ?? 'missing') === 'missing',
    );
    const dueSince = this.#state.assets.declared.get(key)?.at ?? null;
    return missing.slice(0, limit).map((partition) => ({ partition, state: 'missing' as const, dueSince }));
  }

  async assetFigures(assets: readonly DerivedAsset[]): Promise<ReadonlyMap<string, AssetFigures>> {
    return new Map(assets.map((asset) => [asset.key, figures(this.#state.assets, asset)]));
  }

  async compare(order: CompareOrder): Promise<TableComparison> {
    return await compareText(order, this.storedRows(order.place));
  }

  async close(): Promise<void> {
    await this.#merging.pass(async () => {});
  }

  /** @throws Error where no table was ever loaded */
  storedRows(place: TableName): readonly StoredRow[] {
    const rows = this.#state.stored.get(placeKey(place));
    if (rows === undefined) throw new Error(`nothing was ever loaded into ${place.schema}.${place.name}`);
    return rows;
  }

  async #read(plan: MergePlan, source: FileSource): Promise<WindowInput> {
    const of = new Map<string, TableInput>();
    const unreadable: TablePauseOrder[] = [];
    const tables = plan.tables.map((changes) => ({ ...changes, chunks: [] }));
    for (const { entry, files, chunks } of [...tables, ...plan.loads]) {
      try {
        const changes = await readChanges(this.#reader, source, entry, files);
        const copied = await readChanges(this.#reader, source, entry, chunks);
        of.set(entry.table, { changes, copied });
      } catch (failure) {
        unreadable.push(blame(entry.table, failure));
      }
    }
    return { of, unreadable };
  }
}

function blame(table: string, failure: unknown): TablePauseOrder {
  if (failure instanceof WalflowError) return damageOf(table, failure);
  return { table, code: 'TABLE_UNMERGEABLE', reason: `the changes of ${table} cannot be read` };
}
