// Adds histories to test/replay/histories: `node test/replay/record.ts [type of workflow …]`. A real pipeline with real workers on servers of its
// own, driven through what its workflows can meet; Temporal is told to suggest continue-as-new early.

import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import type { RunningChild } from '../../workers/embedded/child.ts';
import { freePorts, LOOPBACK } from '../../workers/embedded/port.ts';
import { TEMPORAL_CLI } from '../../workers/embedded/program-release.ts';
import { findProgram } from '../../workers/embedded/program-search.ts';
import { prepareTemporal, temporalAddress } from '../../workers/embedded/temporal.ts';
import { reconcileSchedules } from '../../workers/temporal/project-schedule.ts';
import type { LoadedSchedule } from '../../workflows/model/asset/schedule.ts';
import {
  automationWorkflowId,
  backfillWorkflowId,
  ingestWorkflowId,
  mergeWorkflowId,
  scheduleId,
} from '../../workflows/model/names.ts';
import { type BenchServers, startServers } from '../bench/servers.ts';
import { coversOf, encodeHistory, type History } from './history-file.ts';

const BIN = fileURLToPath(new URL('../../workers/cli/bin.js', import.meta.url));
const FOLDER = fileURLToPath(new URL('./histories', import.meta.url));
const PIPELINE = 'shop';
const SUGGEST_AFTER_EVENTS = 60;
const PATIENCE_MS = 120_000;

const SCHEMA = `
  create table orders(id bigint primary key, note text, total numeric(12,2) not null, created_at timestamptz not null);
  create table events(id bigint primary key, note text);`;
const configText = (servers: BenchServers) => `
import { asset, daily, defineConfig, dep, duckdb, eager } from 'walflow';
export default defineConfig({
  name: '${PIPELINE}',
  warehouses: { main: duckdb({ path: './warehouse.duckdb' }) },
  pipelines: {
    ${PIPELINE}: {
      source: { url: '${servers.postgresUrl}', tables: ['public.orders', 'public.events'] },
      lake: { url: 's3://${servers.s3.bucket}', endpoint: '${servers.s3.endpoint}', region: '${servers.s3.region}' },
      flush: { maxDelayMs: 50 },
    },
  },
  assets: [
    asset('analytics/revenue_by_day', {
      deps: [dep('${PIPELINE}/public.orders', { by: 'created_at' })],
      partitions: daily({ start: '2026-01-01', output: 'day' }),
      automation: eager(),
      sql: \`select date_trunc('day', created_at) as day, sum(total) as revenue from {${PIPELINE}/public.orders}
             where created_at >= {start} and created_at < {end} group by 1\`,
    }),
    asset('analytics/broken', {
      deps: ['${PIPELINE}/public.orders'],
      automation: eager(),
      sql: \`select no_such_column from {${PIPELINE}/public.orders}\`,
    }),
  ],
});
`;

class Recording {
  readonly client: Client;
  readonly source: pg.Client;
  readonly #servers: BenchServers;
  readonly #address: string;
  readonly #ports: readonly number[];
  #id = 0;

  constructor(servers: BenchServers, client: Client, source: pg.Client, address: string, ports: readonly number[]) {
    this.client = client;
    this.source = source;
    this.#servers = servers;
    this.#address = address;
    this.#ports = ports;
  }

  async start(role: 'ingest' | 'warehouse'): Promise<RunningChild> {
    const { s3, folder } = this.#servers;
    const port = this.#ports[role === 'warehouse' ? 0 : 1];
    return await this.#servers.start({
      name: role,
      command: process.execPath,
      args: [
        ...[BIN, '--config', join(folder, 'walflow.config.ts'), 'worker', '--role', role],
        ...['--heartbeat-timeout', '5', '--http-port', String(port)],
      ],
      env: {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        TEMPORAL_ADDRESS: this.#address,
        WALFLOW_HOME: join(folder, 'state'),
        WALFLOW_LOG_FORMAT: 'json',
      },
      cwd: folder,
      logFile: join(folder, `${role}.log`),
      ready: async () => (await fetch(`http://${LOOPBACK}:${port}/healthz`)).ok,
      readyTimeoutMs: PATIENCE_MS,
      stopSignals: ['SIGTERM'],
    });
  }

  /** One order a day over some days, and an event. */
  async insert(): Promise<void> {
    this.#id += 1;
    await this.source.query(
      `insert into orders select ${this.#id} * 100 + i, 'cell value', i, timestamptz '2026-02-01 12:00Z' + i * interval '1 day'
       from generate_series(1, 5) i`,
    );
    await this.source.query(`insert into events values ($1, 'cell value')`, [this.#id]);
  }

  async signal(name: string, ...args: readonly string[]): Promise<void> {
    const id = { landed: mergeWorkflowId, event: automationWorkflowId }[name] ?? ingestWorkflowId;
    await this.client.workflow.getHandle(id(PIPELINE)).signal(name, ...args);
  }

  /** As `walflow deploy` does; every long-lived workflow gets another heartbeat timeout than its worker's. */
  async configure(heartbeatTimeoutSeconds: number): Promise<void> {
    for (const id of [ingestWorkflowId, mergeWorkflowId, automationWorkflowId]) {
      await this.client.workflow.getHandle(id(PIPELINE)).signal('configure', { heartbeatTimeoutSeconds });
    }
  }

  /** The state of `ingest/<pipeline>`. */
  async reaches(state: string): Promise<void> {
    await until(`ingest is ${state}`, async () => {
      const status = await this.client.workflow
        .getHandle(ingestWorkflowId(PIPELINE))
        .query<{ state: string }>('status');
      return status.state === state;
    });
  }

  /** Waits until the commits so far are queryable. */
  async caughtUp(): Promise<void> {
    const { rows } = await this.source.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    const wait = `/api/wait?pipeline=${PIPELINE}&timeoutMs=5000&lsn=${encodeURIComponent(rows[0]?.lsn ?? '')}`;
    await until('the pipeline caught up', async () => {
      const answer = await fetch(`http://${LOOPBACK}:${this.#ports[0]}${wait}`);
      return ((await answer.json()) as { reached?: boolean }).reached === true;
    });
  }

  /** Whether a closed run of this type met something. */
  async met(type: string, what: string): Promise<void> {
    await until(`${type} met ${what}`, async () => {
      for (const { history, workflowType } of await this.histories()) {
        if (workflowType === type && coversOf(history).includes(what)) return true;
      }
      return false;
    });
  }

  /** Cancels the run whose step fails, between two attempts or within one. */
  async cancelsRun(): Promise<void> {
    await until('a run was cancelled', async () => {
      for await (const { workflowId } of this.client.workflow.list({
        query: `WorkflowType = 'run' and ExecutionStatus = 'Running'`,
      })) {
        const handle = this.client.workflow.getHandle(workflowId);
        const { raw } = await handle.describe();
        if (raw.pendingActivities?.some(({ attempt, lastStartedTime }) => attempt === 3 && lastStartedTime) !== true)
          continue;
        await handle.cancel();
        return true;
      }
      return false;
    });
    await this.met('run', 'workflowExecutionCanceled');
  }

  /** Of two schedules a tick each: the run of one succeeds, that of the other fails. */
  async ticks(): Promise<void> {
    const schedules = ['analytics/revenue_by_day', 'analytics/broken'].map(
      (materialize, i): LoadedSchedule => ({
        ...{ name: `tick${i}`, cron: '0 7 * * *', timezone: 'UTC', overlap: 'skip', catchupWindowMs: 60_000 },
        materialize,
      }),
    );
    const settings = { heartbeatTimeoutSeconds: 5, searchAttributes: false };
    await reconcileSchedules(this.client, { project: PIPELINE, schedules, settings });
    for (const { name } of schedules) await this.client.schedule.getHandle(scheduleId(PIPELINE, name)).trigger();
    for (const end of ['Completed', 'Failed']) await this.met('scheduled', `childWorkflowExecution${end}`);
  }

  /** To the API. */
  async post(path: string, body: unknown): Promise<{ readonly id: string }> {
    const init = { method: 'POST', body: JSON.stringify(body) };
    return (await (await fetch(`http://${LOOPBACK}:${this.#ports[0]}${path}`, init)).json()) as { id: string };
  }

  /** Many short runs, paused on the way, and one more that Temporal is told to cancel. */
  async backfills(): Promise<void> {
    const order = { select: 'analytics/revenue_by_day', from: '2026-02-01', to: '2026-02-09', chunk: 1 };
    const { id } = await this.post('/api/backfills', order);
    for (const control of ['pause', 'resume']) {
      await this.post(`/api/backfills/${id}/${control}`, {});
      await sleep(2_000);
    }
    await this.met('backfill', 'workflowExecutionContinuedAsNew');
    await this.met('backfill', 'workflowExecutionCompleted');
    const next = await this.post('/api/backfills', order);
    await this.client.workflow.getHandle(backfillWorkflowId(next.id)).cancel();
    await this.met('backfill', 'workflowExecutionCanceled');
  }

  async histories(): Promise<readonly { workflowType: string; workflowId: string; history: History }[]> {
    const found = [];
    for await (const { type, workflowId, runId } of this.client.workflow.list()) {
      const history = await this.client.workflow.getHandle(workflowId, runId).fetchHistory();
      found.push({ workflowType: type, workflowId, history });
    }
    return found;
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (performance.now() < untilMs) {
    if (await holds().catch(() => false)) return;
    await sleep(200);
  }
  throw new Error(`it never came about that ${what}`);
}

/** What the workflows are put through. */
async function play(run: Recording): Promise<void> {
  await run.start('ingest');
  const warehouse = await run.start('warehouse');
  await run.insert();
  await run.caughtUp();
  // The tables become live; the first run makes the days, and tries the broken asset until it is cancelled.
  await run.cancelsRun();
  await run.insert();
  await run.caughtUp();
  await run.met('run', 'workflowExecutionCompleted');
  await run.ticks();
  await run.backfills();
  await run.source.query(`select pg_terminate_backend(active_pid) from pg_replication_slots where active`);
  await run.reaches('waiting-to-retry');
  await run.reaches('streaming');
  await run.signal('pause');
  await run.reaches('paused');
  await run.insert();
  await run.signal('resume');
  await run.reaches('streaming');
  for (const name of ['addTables', 'removeTables']) await run.signal(name);
  await run.signal('resyncTable', 'public.orders');
  await run.caughtUp();
  await run.configure(6);
  await run.reaches('streaming');
  await run.insert();
  await run.caughtUp();
  // Killed while a merge is under way: its attempt times out, another one follows.
  await run.signal('landed');
  process.kill(warehouse.pid, 'SIGKILL');
  await warehouse.exited;
  await run.start('warehouse');
  await run.met('run', 'workflowExecutionFailed');
  for (const [type, signal] of [
    ['merge', 'landed'],
    ['automation', 'event'],
    ['ingest', 'addTables'],
  ] as const) {
    for (let i = 0; i < SUGGEST_AFTER_EVENTS; i += 1) {
      await run.signal(signal);
      if (i % 10 === 0) await run.insert();
    }
    await run.met(type, 'workflowExecutionContinuedAsNew');
  }
  await run.caughtUp();
  await run.met('automation', 'childWorkflowExecutionFailed');
  await run.client.workflow.getHandle(ingestWorkflowId(PIPELINE)).cancel();
  await run.met('ingest', 'workflowExecutionCanceled');
}

/**
 * Of all runs that met the same things the shortest; of those only what adds something. Histories of earlier versions stay:
 * runs of them may go on under today's code.
 */
async function keep(run: Recording): Promise<void> {
  const wanted = process.argv.slice(2);
  const found = (await run.histories())
    .filter(({ workflowType }) => wanted.length === 0 || wanted.includes(workflowType))
    .map((one) => ({ ...one, covers: coversOf(one.history) }));
  found.sort((a, b) => (a.history.events?.length ?? 0) - (b.history.events?.length ?? 0));
  const kept = await readdir(FOLDER);
  const count = new Map<string, number>();
  const covered = new Set<string>();
  for (const { workflowType, workflowId, history, covers } of found) {
    const fresh = covers.filter((kind) => !covered.has(`${workflowType} ${kind}`));
    if (fresh.length === 0) continue;
    for (const kind of fresh) covered.add(`${workflowType} ${kind}`);
    const before = kept.filter((file) => file.startsWith(`${workflowType}-`)).length;
    const number = (count.get(workflowType) ?? before) + 1;
    count.set(workflowType, number);
    await writeFile(join(FOLDER, `${workflowType}-${number}.json`), encodeHistory(workflowId, history));
  }
  process.stdout.write(`${[...count].map(([type, files]) => `${type}: ${files}`).join('\n')}\n`);
}

const servers = await startServers(
  { pipelines: true },
  (text) => process.stderr.write(`${text}\n`),
  AbortSignal.timeout(900_000),
);
try {
  const [temporalPort = 0, ...ports] = await freePorts(3);
  const program = await findProgram(TEMPORAL_CLI, { env: process.env, onFetch: () => {} });
  const state = { folder: join(servers.folder, 'recorded'), logFile: join(servers.folder, 'recorded.log') };
  const spec = await prepareTemporal({ program, port: temporalPort, uiPort: null, ...state });
  const limit = `limit.historyCount.suggestContinueAsNew=${SUGGEST_AFTER_EVENTS}`;
  await servers.start({ ...spec, args: [...spec.args, '--dynamic-config-value', limit] });
  await writeFile(join(servers.folder, 'walflow.config.ts'), configText(servers));
  const connection = await Connection.connect({ address: temporalAddress({ port: temporalPort }) });
  const source = new pg.Client({ connectionString: servers.postgresUrl });
  await source.connect();
  await source.query(SCHEMA);
  const run = new Recording(
    servers,
    new Client({ connection }),
    source,
    temporalAddress({ port: temporalPort }),
    ports,
  );
  try {
    await play(run);
    await keep(run);
  } finally {
    await source.end();
    await connection.close();
  }
} finally {
  await servers.stop();
}
