// Turns the answers of the API and of /metrics into the figures that the live status shows. Rates are differences of
// counters over the last seconds; a counter that went back belongs to a worker that was restarted.

import { WalflowError } from '../../../workflows/model/errors.ts';
import type { AssetStatus, PipelineStatus, TableStatus } from '../../http/backend.ts';
import { type MetricSample, parseMetrics, sumOf } from '../../metrics/exposition.ts';
import type { ApiClient } from '../api-client.ts';
import type { AssetView, PipelineView, StatusView, TableView } from './status.ts';

const RATE_WINDOW_MS = 5_000;
/** Counts rows as they land in the lake. */
const ROWS_TOTAL = 'cdc_rows_processed_total';

interface Reading {
  readonly atMs: number;
  readonly rows: number;
}

export class StatusSampler {
  readonly #api: Pick<ApiClient, 'pipelines' | 'assets' | 'metrics'>;
  readonly #readings = new Map<string, readonly Reading[]>();
  #last: Pick<StatusView, 'pipelines' | 'assets'> = { pipelines: [], assets: [] };

  constructor(api: Pick<ApiClient, 'pipelines' | 'assets' | 'metrics'>) {
    this.#api = api;
  }

  /** Does not throw when the API does not answer: the last known state stays, with a note. */
  async sample(nowMs: number): Promise<Pick<StatusView, 'pipelines' | 'assets' | 'notes'>> {
    try {
      const [pipelines, assets, metrics] = await Promise.all([
        this.#api.pipelines(),
        this.#api.assets(),
        this.#api.metrics(),
      ]);
      const samples = parseMetrics(metrics);
      this.#last = {
        pipelines: pipelines.map((pipeline) => this.#pipelineView(pipeline, samples, nowMs)),
        assets: assets.filter(({ kind }) => kind === 'derived').map(assetView),
      };
      return { ...this.#last, notes: [] };
    } catch (failure) {
      if (!(failure instanceof WalflowError)) throw failure;
      return { ...this.#last, notes: [`no current figures: ${failure.message}`] };
    }
  }

  #pipelineView(pipeline: PipelineStatus, samples: readonly MetricSample[], nowMs: number): PipelineView {
    const { name, state, reason, slot, commitToQueryable, tables } = pipeline;
    return {
      name,
      state,
      ...(reason === undefined ? {} : { reason }),
      rowsPerSecond: this.#rate(name, { atMs: nowMs, rows: sumOf(samples, ROWS_TOTAL, { pipeline: name }) }),
      lagBytes: slot?.lagBytes ?? null,
      latency: commitToQueryable ?? null,
      tables: tables.map(tableView),
    };
  }

  #rate(pipeline: string, now: Reading): number {
    const known = this.#readings.get(pipeline) ?? [];
    // The previous reading always counts, however long ago it was.
    const before = known.filter(
      ({ atMs, rows }, i) => rows <= now.rows && (now.atMs - atMs <= RATE_WINDOW_MS || i === known.length - 1),
    );
    this.#readings.set(pipeline, [...before, now]);
    const first = before[0];
    return first === undefined || first.atMs === now.atMs
      ? 0
      : ((now.rows - first.rows) * 1_000) / (now.atMs - first.atMs);
  }
}

function tableView({ table, state, reason, rows, freshnessAgeSeconds }: TableStatus): TableView {
  return { table, state, ...(reason === undefined ? {} : { reason }), rows, ageMs: toMs(freshnessAgeSeconds) };
}

function assetView({ key, freshness, partitions }: AssetStatus): AssetView {
  return { key, freshness: freshness.state, ageMs: toMs(freshness.ageSeconds), partitions: partitions ?? null };
}

function toMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1_000;
}
