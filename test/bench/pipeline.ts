// A pipeline under measurement: its own slot, publication, lake prefix and warehouse file, run by the command line's own
// worker processes, ingest and warehouse apart, as in production.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { ChildSpec, RunningChild } from '../../workers/embedded/child.ts';
import { freePorts, LOOPBACK } from '../../workers/embedded/port.ts';
import { lsnToText } from '../../workflows/model/lsn.ts';
import { ingestWorkflowId, mergeWorkflowId } from '../../workflows/model/names.ts';
import { peakMemoryOf } from './process-usage.ts';
import type { BenchServers } from './servers.ts';

const BIN = fileURLToPath(new URL('../../workers/cli/bin.js', import.meta.url));
const READY_TIMEOUT_MS = 60_000;
const STOP_MS = 15_000;
const LIVE_TIMEOUT_MS = 120_000;
const LIVE_POLL_MS = 100;
const MERGED_TIMEOUT_MS = 600_000;

export interface PipelinePlan {
  readonly name: string;
  readonly table: string;
  /** Age at which a batch is cut. */
  readonly maxDelayMs: number;
}

export class BenchPipeline {
  readonly slot: string;
  readonly publication: string;
  readonly #plan: PipelinePlan;
  readonly #servers: BenchServers;
  readonly #ports: readonly number[];
  readonly #home: string;
  #ingest: RunningChild | null = null;
  #warehouse: RunningChild | null = null;

  private constructor(plan: PipelinePlan, servers: BenchServers, ports: readonly number[]) {
    this.slot = `walflow_${plan.name}`;
    this.publication = this.slot;
    this.#plan = plan;
    this.#servers = servers;
    this.#ports = ports;
    this.#home = join(servers.folder, plan.name);
  }

  /** Writes its configuration; starts nothing. */
  static async create(plan: PipelinePlan, servers: BenchServers): Promise<BenchPipeline> {
    const pipeline = new BenchPipeline(plan, servers, await freePorts(2));
    await mkdir(pipeline.#home, { recursive: true });
    await writeFile(pipeline.#configFile, configText(plan, servers));
    return pipeline;
  }

  /** Waits until its table is copied and follows the log. */
  async waitLive(signal: AbortSignal): Promise<void> {
    const untilMs = performance.now() + LIVE_TIMEOUT_MS;
    let seen = '';
    while (performance.now() < untilMs) {
      const answer = await fetch(`${this.#url}/api/pipelines`);
      const [status] = (await answer.json()) as { tables: { state: string }[] }[];
      seen = JSON.stringify(status);
      if (status !== undefined && status.tables.length > 0 && status.tables.every(({ state }) => state === 'live'))
        return;
      await sleep(LIVE_POLL_MS, undefined, { signal });
    }
    throw new Error(`pipeline ${this.#plan.name} did not become live: ${seen}`);
  }

  /** Resolves when everything before `lsn` can be queried. */
  async waitMerged(lsn: bigint, signal: AbortSignal): Promise<void> {
    const untilMs = performance.now() + MERGED_TIMEOUT_MS;
    const asked = new URLSearchParams({ pipeline: this.#plan.name, lsn: lsnToText(lsn) });
    let seen = '';
    while (performance.now() < untilMs) {
      // One question waits for a minute at most.
      const answer = await fetch(`${this.#url}/api/wait?${asked}`, { signal });
      seen = await answer.text();
      if (!answer.ok) break;
      if ((JSON.parse(seen) as { reached?: boolean }).reached === true) return;
    }
    throw new Error(`walflow answers ${seen}, the load ends at ${lsnToText(lsn)}`);
  }

  async startWarehouse(): Promise<void> {
    this.#warehouse = await this.#servers.start(this.#worker('warehouse', '/readyz'));
  }

  async startIngest(): Promise<void> {
    this.#ingest = await this.#servers.start(this.#worker('ingest', '/healthz'));
  }

  /** Ends both workers, and the workflows too, so that the next start does not wait for a retry's timer. */
  async stop(): Promise<void> {
    await this.#ingest?.stop(STOP_MS);
    await this.#warehouse?.stop(STOP_MS);
    const { name } = this.#plan;
    await this.withTemporal(async (client) => {
      for (const id of [ingestWorkflowId(name), mergeWorkflowId(name)]) await client.workflow.getHandle(id).terminate();
    });
  }

  /** @throws Error with the answer when the query is refused. */
  async query(sql: string): Promise<readonly (readonly (string | number | null)[])[]> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.#url}/api/query`, { method: 'POST', headers, body: JSON.stringify({ sql }) });
    const body = (await answer.json()) as { rows?: (string | number | null)[][] };
    if (body.rows === undefined) throw new Error(`the query was refused: ${JSON.stringify(body)}`);
    return body.rows;
  }

  /** Events in the history of `merge/<pipeline>`, all runs of its chain. */
  async mergeEvents(): Promise<number> {
    return await this.withTemporal(async (client) => {
      const workflowId = mergeWorkflowId(this.#plan.name);
      let events = 0;
      for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
        events += (await client.workflow.getHandle(workflowId, runId).describe()).historyLength;
      }
      return events;
    });
  }

  async withTemporal<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const connection = await Connection.connect({ address: this.#servers.temporalAddress });
    try {
      return await work(new Client({ connection }));
    } finally {
      await connection.close();
    }
  }

  /** The most memory its ingest worker has held; null where the system does not tell. */
  get ingestPeakBytes(): number | null {
    return this.#ingest === null ? null : peakMemoryOf(this.#ingest.pid);
  }

  get #url(): string {
    return `http://${LOOPBACK}:${this.#ports[0]}`;
  }

  get #configFile(): string {
    return join(this.#home, 'walflow.config.ts');
  }

  #worker(role: 'ingest' | 'warehouse', probe: string): ChildSpec {
    const { s3, temporalAddress } = this.#servers;
    const port = this.#ports[role === 'warehouse' ? 0 : 1];
    const ask = async () => (await fetch(`http://${LOOPBACK}:${port}${probe}`)).ok;
    return {
      name: `${role} of ${this.#plan.name}`,
      command: process.execPath,
      args: [BIN, '--config', this.#configFile, 'worker', '--role', role, '--http-port', String(port)],
      env: {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        TEMPORAL_ADDRESS: temporalAddress,
        WALFLOW_HOME: join(this.#home, 'state'),
        WALFLOW_LOG_FORMAT: 'json',
        NODE_OPTIONS: process.env.NODE_OPTIONS,
      },
      cwd: this.#home,
      logFile: join(this.#servers.folder, 'logs', `${this.#plan.name}-${role}.log`),
      ready: ask,
      readyTimeoutMs: READY_TIMEOUT_MS,
      stopSignals: ['SIGTERM'],
    };
  }
}

function configText({ name, table, maxDelayMs }: PipelinePlan, { postgresUrl, s3 }: BenchServers): string {
  return `import { defineConfig, duckdb } from 'walflow';

export default defineConfig({
  name: '${name}',
  warehouses: { main: duckdb({ path: './warehouse.duckdb' }) },
  pipelines: {
    ${name}: {
      source: { url: '${postgresUrl}', tables: ['public.${table}'] },
      lake: { url: 's3://${s3.bucket}', endpoint: '${s3.endpoint}', region: '${s3.region}' },
      flush: { maxDelayMs: ${maxDelayMs} },
    },
  },
});
`;
}
