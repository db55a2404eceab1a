import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mergeMetrics } from '../../workers/metrics/merge.ts';
import { createMetrics } from '../../workers/metrics/metrics.ts';
import { collectMetrics, parseMetricsPeers } from '../../workers/metrics/peers.ts';
import { observeStatus } from '../../workers/metrics/status-metrics.ts';
import { ingestTelemetry, warehouseTelemetry } from '../../workers/metrics/telemetry.ts';
import { LatencyWindow } from '../../workers/status/latency-window.ts';
import { REVENUE, SHOP } from '../http/fake-backend.ts';

const CONTRACT = [
  'pg_replication_lag_bytes',
  'pg_replication_slot_retained_bytes',
  'replication_slot_active',
  'replication_slot_wal_status',
  'cdc_rows_processed_total',
  'cdc_checkpoint_lsn',
  's3_flush_latency_seconds',
  'commit_to_queryable_seconds',
  'asset_run_duration_seconds',
  'asset_freshness_age_seconds',
  'manifests_pending',
  'pipeline_available',
  'table_paused',
];

describe('metrics', () => {
  test('every name of the contract is registered', async () => {
    const text = await createMetrics().registry.metrics();
    for (const name of CONTRACT) expect(text).toContain(`# TYPE ${name} `);
  });

  test('what ingest reports becomes samples', async () => {
    const metrics = createMetrics();
    const telemetry = ingestTelemetry(metrics);
    telemetry.landed('shop', { rows: 7, endLsn: 0x10n, flushSeconds: 0.02 });
    telemetry.landed('shop', { rows: 3, endLsn: 0x20n, flushSeconds: 0.02 });
    telemetry.slot('shop', { lagBytes: 5, retainedBytes: 9, active: true, walStatus: 'extended' });
    telemetry.available('shop', true);
    const text = await metrics.registry.metrics();
    expect(text).toContain('cdc_rows_processed_total{pipeline="shop"} 10');
    expect(text).toContain('cdc_checkpoint_lsn{pipeline="shop"} 32');
    expect(text).toContain('s3_flush_latency_seconds_count{pipeline="shop"} 2');
    expect(text).toContain('replication_slot_wal_status{pipeline="shop",status="extended"} 1');
    expect(text).toContain('replication_slot_wal_status{pipeline="shop",status="lost"} 0');
    expect(text).toContain('pipeline_available{pipeline="shop"} 1');
  });

  test('what the warehouse reports becomes samples and quantiles; a clock ahead of ours counts as no delay', async () => {
    const metrics = createMetrics();
    const telemetry = warehouseTelemetry(metrics);
    telemetry.merged('shop', { rows: 3, commitTimesMs: [900, 950, 2_000], nowMs: 1_000 });
    telemetry.pending('shop', 2);
    telemetry.assetRan('a/b', 0.3);
    const text = await metrics.registry.metrics();
    expect(text).toContain('commit_to_queryable_seconds_count{pipeline="shop"} 3');
    expect(text).toContain('manifests_pending{pipeline="shop"} 2');
    expect(text).toContain('asset_run_duration_seconds_count{asset="a/b"} 1');
    expect(telemetry.latency('shop', 1_000)).toEqual({ p50Ms: 50, p99Ms: 100 });
  });

  test('states are set from the status, and what is gone loses its sample', async () => {
    const metrics = createMetrics();
    const paused = {
      table: 'public.x',
      state: 'paused' as const,
      since: '2026-11-24T17:00:00.000000Z',
      rows: 0,
      freshnessAgeSeconds: 9,
    };
    observeStatus(metrics, [{ ...SHOP, tables: [paused] }], [REVENUE]);
    const before = await metrics.registry.metrics();
    expect(before).toContain('table_paused{pipeline="shop",table="public.x"} 1');
    expect(before).toContain('asset_freshness_age_seconds{asset="analytics/revenue_by_day"} 1.4');
    observeStatus(metrics, [], []);
    expect(await metrics.registry.metrics()).not.toContain('public.x');
  });
});

describe('latency window', () => {
  test('only the last minute counts', () => {
    const window = new LatencyWindow();
    expect(window.summary(0)).toBeNull();
    for (let i = 0; i < 20_000; i++) window.add(10, 0);
    window.add(500, 59_000);
    expect(window.summary(59_000)?.p50Ms).toBe(10);
    expect(window.summary(70_000)).toEqual({ p50Ms: 500, p99Ms: 500 });
    expect(window.summary(200_000)).toBeNull();
  });
});

describe('merged metrics', () => {
  const TEXT = '# HELP a_seconds help\n# TYPE a_seconds histogram\na_seconds_bucket{le="+Inf"} 1\na_seconds_count 1\n';

  test('each sample gets a role, each family its header once, all its lines together', () => {
    const merged = mergeMetrics([
      { role: 'ingest', text: `${TEXT}# TYPE b gauge\nb 2\n` },
      { role: 'warehouse', text: TEXT },
    ]);
    expect(merged.split('\n')).toEqual([
      '# HELP a_seconds help',
      '# TYPE a_seconds histogram',
      'a_seconds_bucket{role="ingest",le="+Inf"} 1',
      'a_seconds_count{role="ingest"} 1',
      'a_seconds_bucket{role="warehouse",le="+Inf"} 1',
      'a_seconds_count{role="warehouse"} 1',
      '# TYPE b gauge',
      'b{role="ingest"} 2',
      '',
    ]);
  });

  test('without peers the own text stays as it is', async () => {
    expect(await collectMetrics({ role: 'warehouse', text: TEXT }, [], undefined)).toBe(TEXT);
  });

  test('a peer is asked with the token; one that does not answer is down, not a failed scrape', async () => {
    const asked: unknown[] = [];
    const peer = createServer((request, response) => {
      asked.push(request.headers.authorization);
      response.end('b 2\n');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void peer.close());
    await new Promise((resolve) => peer.once('listening', resolve));
    const { port } = peer.address() as AddressInfo;
    const peers = parseMetricsPeers([`ingest=http://127.0.0.1:${port}/metrics`, 'assets=http://127.0.0.1:1/metrics']);
    const text = await collectMetrics({ role: 'warehouse', text: 'b 1\n' }, peers, 'sesame');
    expect(asked).toEqual(['Bearer sesame']);
    expect(text).toContain('b{role="warehouse"} 1');
    expect(text).toContain('b{role="ingest"} 2');
    expect(text).toContain('walflow_role_up{role="ingest"} 1');
    expect(text).toContain('walflow_role_up{role="assets"} 0');
  });

  test('a list of another form is refused', () => {
    expect(() => parseMetricsPeers(['http://127.0.0.1:1'])).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID' }),
    );
  });
});
