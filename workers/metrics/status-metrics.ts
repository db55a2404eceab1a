// Metrics that are states, not events: set from the status at every scrape, so that an age never stands still.

import type { AssetStatus, PipelineStatus } from '../http/backend.ts';
import type { Metrics } from './metrics.ts';

/** Tables and assets that no longer exist lose their samples. */
export function observeStatus(
  metrics: Metrics,
  pipelines: readonly PipelineStatus[],
  assets: readonly AssetStatus[],
): void {
  metrics.tablePaused.reset();
  for (const { name: pipeline, tables } of pipelines) {
    for (const { table, state } of tables) metrics.tablePaused.set({ pipeline, table }, state === 'paused' ? 1 : 0);
  }
  metrics.assetFreshnessAge.reset();
  for (const { key, freshness } of assets) {
    if (freshness.ageSeconds !== null) metrics.assetFreshnessAge.set({ asset: key }, freshness.ageSeconds);
  }
}
