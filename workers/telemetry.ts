// What activities report, turned into metrics.

import type { IngestTelemetry, WarehouseTelemetry } from '../activities/resources.ts';
import type { LatencyWindow } from './latency-window.ts';
import { type Metrics, WAL_STATUSES } from './metrics.ts';

export function ingestTelemetry(metrics: Metrics): IngestTelemetry {
  return {
    landed: (pipeline, { rows, endLsn, flushSeconds }) => {
      metrics.rowsProcessed.inc({ pipeline }, rows);
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

/** @param latency also keeps the last minute for the page, which shows quantiles without a Prometheus */
export function warehouseTelemetry(metrics: Metrics, latency: LatencyWindow): WarehouseTelemetry {
  return {
    merged: (pipeline, { rows, commitTimesMs, nowMs }) => {
      metrics.rowsMerged.inc({ pipeline }, rows);
      for (const commitTimeMs of commitTimesMs) {
        // The source's clock may run ahead of ours: a negative latency is none.
        const ageMs = Math.max(0, nowMs - commitTimeMs);
        metrics.commitToQueryable.observe({ pipeline }, ageMs / 1_000);
        latency.add(pipeline, ageMs, nowMs);
      }
    },
    pending: (pipeline, manifests) => metrics.manifestsPending.set({ pipeline }, manifests),
    assetRan: (asset, seconds) => metrics.assetRunDuration.observe({ asset }, seconds),
  };
}
