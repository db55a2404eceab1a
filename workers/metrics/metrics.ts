// Every metric of walflow, in one registry per process. Names are a contract with dashboards and alerts, and end in their
// units. A role leaves metrics it cannot measure without samples.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Fine around the targets (100 to 500 ms), coarse where only the order of magnitude matters. */
const LATENCY_BUCKETS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60, 300];
const FLUSH_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
const RUN_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];

/** pg_replication_slots.wal_status. */
export const WAL_STATUSES = ['reserved', 'extended', 'unreserved', 'lost'] as const;

const PIPELINE = ['pipeline'] as const;

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: readonly number[],
  ) => new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [registry] });
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    lagBytes: gauge('pg_replication_lag_bytes', 'WAL head minus confirmed_flush_lsn of the slot', PIPELINE),
    retainedBytes: gauge(
      'pg_replication_slot_retained_bytes',
      'WAL the source keeps for the slot: WAL head minus restart_lsn',
      PIPELINE,
    ),
    slotActive: gauge('replication_slot_active', '1 while a consumer is connected to the slot', PIPELINE),
    slotWalStatus: gauge('replication_slot_wal_status', '1 for the wal_status the slot has, 0 for the others', [
      'pipeline',
      'status',
    ]),
    rowsProcessed: counter('cdc_rows_processed_total', 'Row changes that landed in the lake', PIPELINE),
    rowsMerged: counter('cdc_rows_merged_total', 'Row changes merged into the warehouse', PIPELINE),
    checkpointLsn: gauge(
      'cdc_checkpoint_lsn',
      'End of the manifest log as a number: the lake has all before',
      PIPELINE,
    ),
    flushLatency: histogram(
      's3_flush_latency_seconds',
      'From the cut of a batch until its manifest is stored',
      PIPELINE,
      FLUSH_BUCKETS,
    ),
    commitToQueryable: histogram(
      'commit_to_queryable_seconds',
      'From a commit in the source until the warehouse answers with it',
      PIPELINE,
      LATENCY_BUCKETS,
    ),
    manifestsPending: gauge('manifests_pending', 'Manifests in the lake that are not merged yet', PIPELINE),
    pipelineAvailable: gauge('pipeline_available', '1 while the stream from the source runs', PIPELINE),
    tablePaused: gauge('table_paused', '1 while a table is paused', ['pipeline', 'table']),
    assetRunDuration: histogram('asset_run_duration_seconds', 'Duration of a materialization', ['asset'], RUN_BUCKETS),
    assetFreshnessAge: gauge(
      'asset_freshness_age_seconds',
      'Seconds since everything the source had committed was readable here',
      ['asset'],
    ),
  };
}
