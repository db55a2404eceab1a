// Role `warehouse`: from lake to warehouse and derived assets, with the HTTP API, the page, and the metrics of its peers.

import type { Settings } from '../../config/setting.ts';
import { serveApi } from '../../http/serve.ts';
import { createMetrics, type Metrics } from '../../metrics/metrics.ts';
import { collectMetrics, parseMetricsPeers } from '../../metrics/peers.ts';
import { observeStatus } from '../../metrics/status-metrics.ts';
import { warehouseTelemetry } from '../../metrics/telemetry.ts';
import { type BackendOptions, createApiBackend } from '../../status/api-backend.ts';
import { WALFLOW_VERSION } from '../../version.ts';
import { runWarehouseWorker } from '../../warehouse.ts';
import { guardOf, logFailure, type RoleOptions } from './role.ts';

export async function warehouseRole(options: RoleOptions): Promise<void> {
  const { project, log } = options;
  const metrics = createMetrics();
  const figures = warehouseTelemetry(metrics);
  const worker = { ...options, telemetry: figures, deploysSchedules: options.watch };
  await runWarehouseWorker(worker, (opened) =>
    serve(options, { opened, graph: project.graph, project, figures, log }, metrics),
  );
}

async function serve(
  { project, settings, log }: RoleOptions,
  parts: BackendOptions,
  metrics: Metrics,
): Promise<{ close(): Promise<void> }> {
  const peers = parseMetricsPeers(settings.metricsPeers);
  const backend = createApiBackend(parts);
  const listening = serveApi(backend, {
    guard: guardOf(settings),
    port: settings.httpPort,
    portSetting: 'WALFLOW_HTTP_PORT',
    page: { project: project.name, version: WALFLOW_VERSION, temporalUi: temporalUi(settings), nowMs: Date.now },
    metrics: async () => {
      observeStatus(metrics, await backend.pipelines(), await backend.assets());
      return await collectMetrics({ role: 'warehouse', text: await metrics.registry.metrics() }, peers, settings.token);
    },
    onFailure: logFailure(log),
  });
  const server = await listening.catch(async (failure: unknown) => {
    await backend.close();
    throw failure;
  });
  log.info(`the API and the page answer at ${server.url}`);
  return {
    close: async () => {
      await server.close();
      await backend.close();
    },
  };
}

function temporalUi({ temporalUiUrl, temporalNamespace }: Settings) {
  return temporalUiUrl === undefined ? null : { url: temporalUiUrl, namespace: temporalNamespace };
}
