// Role `ingest`: from WAL to lake, with probes and metrics on a port of its own.

import { serveProbes } from '../../http/serve.ts';
import { runIngestWorker } from '../../ingest.ts';
import { createMetrics } from '../../metrics/metrics.ts';
import { ingestTelemetry } from '../../metrics/telemetry.ts';
import { guardOf, logFailure, type RoleOptions } from './role.ts';

export async function ingestRole(options: RoleOptions): Promise<void> {
  const { settings, log } = options;
  const metrics = createMetrics();
  const server = await serveProbes(
    { notReady: async () => null, metrics: () => metrics.registry.metrics() },
    {
      guard: guardOf(settings),
      port: settings.ingestHttpPort,
      portSetting: 'WALFLOW_INGEST_HTTP_PORT',
      onFailure: logFailure(log),
    },
  );
  try {
    await runIngestWorker({ ...options, telemetry: ingestTelemetry(metrics) });
  } finally {
    await server.close();
  }
}
