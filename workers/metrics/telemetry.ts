// Turns what activities report into metrics: the only place that knows which figure sets which metric.

import type { IngestTelemetry, WarehouseTelemetry } from '../../activities/resources.ts';
import type { LatencySummary } from '../http/backend.ts';
import { LatencyWindow } from '../status/latency-window.ts';
import { type Metrics, WAL_STATUSES } from './metrics.ts';

/** Figures of the ingest role. */
export function ingestTelemetry(metrics: Metrics): IngestTelemetry {
  return {
    landed: (pipeline, { rows, endLsn, flushSeconds }) => {
      metrics.rowsProcessed.inc({ pipeline }, rows);
      // A gauge is a double: exact below 2^53, which WAL positions reach after 9 PB.
      metrics.checkpointLsn.set({ pipeline }, Number(endLsn));
      metrics.flushLatency.observe({ pipeline }, flushSeconds);
    },
    slot: (pipeline, { lagBytes, retainedBytes, active, walStatus }) => {
      metrics.lagBytes.set({ pipeline }, lagBytes);
      metrics.retainedBytes.set({ pipeline }, retainedBytes);
      metrics.slotActive.set({ pipeline }, active ? 1 : 0);
      for (const status of WAL_STATUSES) {
        metrics.slotWalStatus.set({ pipeline, status }, status === walStatus ? 1 : 0);
      }
    },
    available: (pipeline, up) => metrics.pipelineAvailable.set({ pipeline }, up ? 1 : 0),
  };
}

/** Figures of the warehouse role, and the latencies that its API reports. */
export interface WarehouseFigures extends WarehouseTelemetry {
  latency(pipeline: string, nowMs: number): LatencySummary | null;
}

export function warehouseTelemetry(metrics: Metrics): WarehouseFigures {
  const windows = new Map<string, LatencyWindow>();
  return {
    merged: (pipeline, { rows, commitTimesMs, nowMs }) => {
      metrics.rowsMerged.inc({ pipeline }, rows);
      const window = windows.get(pipeline) ?? new LatencyWindow();
      windows.set(pipeline, window);
      for (const commitMs of commitTimesMs) {
        // Two clocks: the source's may run ahead of ours.
        const latencyMs = Math.max(0, nowMs - commitMs);
        window.add(latencyMs, nowMs);
        metrics.commitToQueryable.observe({ pipeline }, latencyMs / 1000);
      }
    },
    pending: (pipeline, manifests) => metrics.manifestsPending.set({ pipeline }, manifests),
    assetRan: (asset, seconds) => metrics.assetRunDuration.observe({ asset }, seconds),
    latency: (pipeline, nowMs) => windows.get(pipeline)?.summary(nowMs) ?? null,
  };
}
