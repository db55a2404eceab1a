// A backend with a shop in it; a test replaces the methods it is about.

import type { BackfillDetail } from '../../activities/warehouse/backfill-order.ts';
import type {
  ApiBackend,
  AssetStatus,
  PipelineStatus,
  RunStatusView,
  ScheduleStatus,
} from '../../workers/http/backend.ts';
import { WalflowError } from '../../workflows/model/errors.ts';

export const NOW_MS = Date.parse('2026-11-24T18:00:00.000Z');

const SINCE = '2026-11-24T17:00:00.000000Z';

export const SHOP: PipelineStatus = {
  name: 'shop',
  state: 'streaming',
  slot: { name: 'walflow_shop', active: true, walStatus: 'reserved', lagBytes: 1_234, retainedBytes: 5_600_000 },
  durableLsn: '000000000a2b3c4d',
  mergedLsn: '000000000a2b3c40',
  seq: 1_042,
  pendingManifests: 1,
  commitToQueryable: { p50Ms: 81.4, p99Ms: 294.2 },
  lastMerges: [
    {
      mergedAt: '2026-11-24T17:59:58.000Z',
      seqFrom: 1_040,
      seqTo: 1_042,
      lsnTo: '000000000a2b3c40',
      rows: 37,
      workflowId: 'merge/shop',
      runId: '0196-run-1',
      attempt: 1,
    },
    {
      mergedAt: '2026-11-24T17:59:52.000Z',
      seqFrom: 1_039,
      seqTo: 1_039,
      lsnTo: '000000000a2b0000',
      rows: 12_345,
      workflowId: 'merge/shop',
      runId: '0196-run-0',
      attempt: 1,
    },
  ],
  tables: [
    { table: 'public.orders', state: 'live', since: SINCE, rows: 1_234_567, freshnessAgeSeconds: 0.2 },
    {
      table: 'public.events',
      state: 'append-only',
      since: SINCE,
      reason: 'no key',
      rows: 88,
      freshnessAgeSeconds: 0.2,
    },
    { table: 'public.products', state: 'loading', since: SINCE, rows: 0, freshnessAgeSeconds: null },
  ],
};

export const REVENUE: AssetStatus = {
  key: 'analytics/revenue_by_day',
  kind: 'derived',
  status: 'stale',
  deps: ['shop/public.orders'],
  freshness: { state: 'PASS', ageSeconds: 1.4 },
  partitions: { total: 14, current: 13, missing: 0, stale: 1 },
  checks: [],
  lastMaterialization: {
    id: 'm2',
    asset: 'analytics/revenue_by_day',
    partition: '2026-11-24',
    at: '2026-11-24T17:59:30.000Z',
    startedAt: '2026-11-24T17:59:29.900Z',
    rows: 1,
    inputs: [],
    codeVersion: 'abc',
    workflowId: 'materialize/analytics/revenue_by_day/1042',
    runId: '0196-run-2',
    attempt: 1,
  },
};

export const RUN: RunStatusView = {
  ...{ id: 'r1', workflowId: 'run/r1', status: 'queued', cause: { kind: 'manual' }, steps: [] },
  ...{ createdAt: SINCE, startedAt: null, endedAt: null },
};

export const NIGHTLY: ScheduleStatus = {
  name: 'nightly',
  cron: '30 2 * * *',
  timezone: 'Europe/Berlin',
  materialize: 'group:analytics',
  state: 'active',
  nextAt: '2026-11-29T01:30:00.000Z',
  lastAt: '2026-11-28T01:30:00.000Z',
  handledAt: '2026-11-28T01:30:00.000000Z',
  scheduleId: 'walflow/shop/nightly',
};

export const BACKFILL: BackfillDetail = {
  ...{ id: 'b1', selection: 'analytics/*', only: null, chunk: 100, status: 'running', secondsLeft: 90 },
  ...{ createdAt: '2026-11-24T17:00:00.000000Z', endedAt: null },
  assets: [{ asset: REVENUE.key, total: 14, done: 5, failed: 1, skipped: 0 }],
  failures: [{ asset: REVENUE.key, partition: '2026-11-24', state: 'failed', reason: 'no such column' }],
};

export function fakeBackend(own: Partial<ApiBackend> = {}): ApiBackend {
  const known = (pipeline: string) => {
    if (pipeline !== SHOP.name) throw new WalflowError('PIPELINE_UNKNOWN', `there is no pipeline ${pipeline}`);
  };
  const order = async (pipeline: string) => {
    known(pipeline);
    return { workflowId: `ingest/${pipeline}`, runId: 'r1' };
  };
  return {
    pipelines: async () => [SHOP],
    assets: async () => [REVENUE],
    graph: async () => ({ nodes: [], edges: [] }),
    asset: async (key) => {
      if (key !== REVENUE.key) throw new WalflowError('ASSET_UNKNOWN', `there is no asset ${key}`);
      return REVENUE;
    },
    why: async (asset) => ({
      ...{ asset, current: 13, causes: { missing: 0, touched: 0, code: 1, whole: 0 }, wanted: 0, searches: false },
      waitsFor: [{ tag: 'asked', partitions: 1 }],
    }),
    checks: async () => [],
    checksOf: async () => [],
    declarations: async () => [],
    partitions: async () => [],
    materializations: async () => [],
    runs: async () => [RUN],
    run: async () => RUN,
    startRun: async () => RUN,
    cancelRun: async () => RUN,
    retryRun: async () => RUN,
    query: async () => ({ columns: [{ name: 'n', type: 'BIGINT' }], rows: [['9007199254740993']] }),
    wait: async (pipeline) => {
      known(pipeline);
      return { reached: true, mergedLsn: SHOP.mergedLsn, notLive: [] };
    },
    verify: async (pipeline) => ({ pipeline, result: 'equal', mergedLsn: SHOP.mergedLsn, tables: [] }),
    pausePipeline: order,
    resumePipeline: order,
    resyncTable: order,
    schedules: async () => [NIGHTLY],
    operateSchedule: async (name, operation) => {
      if (name !== NIGHTLY.name) throw new WalflowError('SCHEDULE_UNKNOWN', `there is no schedule ${name}`);
      return operation === 'pause' ? { ...NIGHTLY, state: 'paused', note: 'by walflow' } : NIGHTLY;
    },
    dropDetached: async () => ({ dropped: [] }),
    startBackfill: async () => ({ id: 'b1', assets: [{ asset: REVENUE.key, partitions: 14 }] }),
    backfills: async () => [BACKFILL],
    backfill: async (id) => {
      if (id !== BACKFILL.id) throw new WalflowError('BACKFILL_UNKNOWN', `there is no backfill ${id}`);
      return BACKFILL;
    },
    controlBackfill: async () => BACKFILL,
    notReady: async () => null,
    ...own,
  };
}
