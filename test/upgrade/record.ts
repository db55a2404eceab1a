// Records a fixture of today's catalog version: `node test/upgrade/record.ts`. A real pipeline with real workers leaves a
// warehouse file, a lake that goes on behind it, and what this version answered then and at the lake's end.

import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { S3Lake } from '../../activities/lake/s3/lake.ts';
import { CATALOG_VERSION } from '../../activities/warehouse/duckdb/catalog-sql.ts';
import type { RunningChild } from '../../workers/embedded/child.ts';
import { freePorts, LOOPBACK } from '../../workers/embedded/port.ts';
import { ingestWorkflowId } from '../../workflows/model/names.ts';
import { type BenchServers, startServers } from '../bench/servers.ts';
import { FIXTURE_ASSETS, FIXTURE_PIPELINE } from './fixture-assets.ts';

const BIN = fileURLToPath(new URL('../../workers/cli/bin.js', import.meta.url));
const FOLDER = fileURLToPath(new URL(`../golden/catalog-${CATALOG_VERSION}`, import.meta.url));
const PATIENCE_MS = 120_000;

/** Two documents that only fit outside of their row: the log does not carry them unless they change. */
const SCHEMA = `
  create table orders(id bigint primary key, total numeric(12,2) not null, created_at timestamptz not null, doc text);
  alter table orders alter doc set storage external;
  create table events(id bigint, note text);
  create table "line.items"(order_id bigint, line int, sku text, price numeric, primary key (order_id, line));
  insert into orders select i, i * 1.25, timestamptz '2026-02-01 10:00Z' + i * interval '7 hours',
    case when i <= 2 then repeat(md5(i::text), 70) end from generate_series(1, 12) i;
  insert into events select i, 'event ' || i from generate_series(1, 3) i;
  insert into "line.items" select i, 1, 'sku ' || i % 3, 9.99 from generate_series(1, 5) i`;
const BEFORE = [
  `update orders set created_at = '2026-02-09 12:00Z' where id = 3`,
  `update orders set total = 0.01 where id = 1; delete from orders where id = 4`,
  `insert into orders values (100, 7, 'infinity', null); insert into events values (4, null)`,
  `insert into "line.items" values (6, 1, 'späť', 'NaN'), (6, 2, null, 123456789012345678901234567890.5)`,
];
const BEHIND = [
  `update orders set total = 99.99 where id = 2; update orders set id = 200 where id = 1`,
  `truncate events; insert into events values (5, 'behind the truncate')`,
  `delete from orders where id = 12; insert into orders values (101, 1, '2026-03-01 00:00Z', 'new')`,
  `update "line.items" set price = 1 where order_id = 6`,
];
const TABLES = ['public.orders', 'public.events', 'public."line.items"', 'analytics.revenue_by_day', 'analytics.items'];

class Recorder {
  readonly source: pg.Client;
  readonly #servers: BenchServers;
  readonly #ports: readonly number[];

  constructor(servers: BenchServers, source: pg.Client, ports: readonly number[]) {
    this.source = source;
    this.#servers = servers;
    this.#ports = ports;
  }

  async start(role: 'ingest' | 'warehouse'): Promise<RunningChild> {
    const { s3, folder, temporalAddress } = this.#servers;
    const port = this.#ports[role === 'warehouse' ? 0 : 1];
    return await this.#servers.start({
      name: role,
      command: process.execPath,
      args: [BIN, '--config', join(folder, 'walflow.config.ts'), 'worker', '--role', role, '--http-port', String(port)],
      env: {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        TEMPORAL_ADDRESS: temporalAddress,
        WALFLOW_HOME: join(folder, 'state'),
      },
      cwd: folder,
      logFile: join(folder, `${role}.log`),
      ready: async () => (await fetch(`http://${LOOPBACK}:${port}/healthz`)).ok,
      readyTimeoutMs: PATIENCE_MS,
      stopSignals: ['SIGTERM'],
    });
  }

  /** Each statement list in a transaction of its own, and in a manifest of its own. */
  async commit(statements: readonly string[]): Promise<void> {
    for (const text of statements) {
      await this.source.query(text);
      await this.landed();
    }
  }

  async head(): Promise<string> {
    const { rows } = await this.source.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    return rows[0]?.lsn ?? '';
  }

  /** Waits until the lake holds everything committed so far. */
  async landed(): Promise<void> {
    const lsn = await this.head();
    await until(`${lsn} has landed`, async () => {
      // Asked for what is committed, ingest writes an empty manifest at once.
      await this.source.query(`notify walflow_${FIXTURE_PIPELINE}`);
      const { rows } = await this.source.query('select from pg_replication_slots where confirmed_flush_lsn >= $1', [
        lsn,
      ]);
      return rows.length > 0;
    });
  }

  async get(path: string): Promise<unknown> {
    return await (await fetch(`http://${LOOPBACK}:${this.#ports[0]}${path}`)).json();
  }

  async query(sql: string): Promise<unknown> {
    const body = JSON.stringify({ sql });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`http://${LOOPBACK}:${this.#ports[0]}/api/query`, { method: 'POST', headers, body });
    return ((await answer.json()) as { rows: unknown }).rows;
  }

  /** Waits until everything committed so far is merged and only what runs by hand is due. */
  async settled(): Promise<void> {
    const wait = `/api/wait?pipeline=${FIXTURE_PIPELINE}&timeoutMs=5000&lsn=${encodeURIComponent(await this.head())}`;
    await until('everything is merged', async () => ((await this.get(wait)) as { reached: boolean }).reached);
    await until('every table flows', async () => {
      const states = await this.query(
        `select distinct state from _walflow.tables where state in ('loading', 'paused')`,
      );
      return Array.isArray(states) && states.length === 0;
    });
    await until('nothing eager is due', async () => {
      return (await this.due()).every((asset) => asset === 'analytics/by_hand');
    });
  }

  async due(): Promise<readonly string[]> {
    const assets = (await this.get('/api/assets')) as readonly { key: string; kind: string; status: string }[];
    return assets.filter(({ kind, status }) => kind === 'derived' && status !== 'current').map(({ key }) => key);
  }

  /** What this version says, in forms that no later catalog changes. */
  async answers() {
    const rows: Record<string, unknown> = {};
    for (const table of TABLES)
      rows[table] = await this.query(`select columns(c -> c not like '_walflow%') from ${table} order by all`);
    const materializations: Record<string, unknown> = {};
    for (const { key } of FIXTURE_ASSETS) materializations[key] = await this.get(`/api/assets/${key}/materializations`);
    return {
      watermark: await this.query('select epoch_no, seq, manifest_hash, end_lsn from _walflow.watermark'),
      due: (await this.due()).map((asset) => [asset]),
      materializations,
      rows,
    };
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (performance.now() < untilMs) {
    if (await holds().catch(() => false)) return;
    await sleep(100);
  }
  throw new Error(`it never came about that ${what}`);
}

async function record(servers: BenchServers, recorder: Recorder, client: Client): Promise<void> {
  await recorder.start('ingest');
  const warehouse = await recorder.start('warehouse');
  await recorder.settled();
  await recorder.commit(BEFORE);
  await recorder.settled();
  const before = await recorder.answers();
  await warehouse.stop();
  const file = await readFile(join(servers.folder, 'warehouse.duckdb'));
  await recorder.commit(BEHIND);
  const lake = new S3Lake({ ...lakeOptions(servers), prefix: FIXTURE_PIPELINE });
  const copies = async () => {
    let found = 0;
    for await (const { key } of lake.list('snapshot/')) if (key.endsWith('complete.json')) found += 1;
    return found;
  };
  const copiesBefore = await copies();
  await client.workflow.getHandle(ingestWorkflowId(FIXTURE_PIPELINE)).signal('resyncTable', 'public.line%2Eitems');
  await until('the table is copied again', async () => (await copies()) > copiesBefore);
  await recorder.commit([`insert into "line.items" values (7, 1, 'behind the copy', 2)`]);
  await keepLake(lake);
  await recorder.start('warehouse');
  await recorder.settled();
  const after = await recorder.answers();
  await writeFile(join(FOLDER, 'warehouse.duckdb.zst'), zstdCompressSync(file));
  await writeFile(join(FOLDER, 'answers.json'), `${JSON.stringify({ before, after }, null, 1)}\n`);
  lake.close();
}

async function keepLake(lake: S3Lake): Promise<void> {
  for await (const { key } of lake.list('')) {
    if (key.startsWith('probe/')) continue;
    const path = join(FOLDER, 'lake', key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, (await lake.get(key)) ?? '');
  }
}

function lakeOptions({ s3 }: BenchServers) {
  const credentials = { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey };
  return { bucket: s3.bucket, endpoint: s3.endpoint, region: s3.region, credentials };
}

const configText = ({ postgresUrl, s3 }: BenchServers) => `
import { defineConfig, duckdb } from 'walflow';
export default defineConfig({
  name: '${FIXTURE_PIPELINE}',
  warehouses: { main: duckdb({ path: './warehouse.duckdb' }) },
  pipelines: {
    ${FIXTURE_PIPELINE}: {
      source: { url: '${postgresUrl}', tables: ['public.*'] },
      lake: { url: 's3://${s3.bucket}', endpoint: '${s3.endpoint}', region: '${s3.region}' },
      flush: { maxDelayMs: 50 },
    },
  },
  assets: ${JSON.stringify(FIXTURE_ASSETS)},
});
`;

if (existsSync(FOLDER)) throw new Error(`${FOLDER} is there: a fixture of a version is recorded once`);
await mkdir(FOLDER, { recursive: true });
const say = (text: string) => void process.stderr.write(`${text}\n`);
const servers = await startServers({ pipelines: true }, say, AbortSignal.timeout(900_000));
try {
  await writeFile(join(servers.folder, 'walflow.config.ts'), configText(servers));
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const source = new pg.Client({ connectionString: servers.postgresUrl });
  await source.connect();
  try {
    await source.query(SCHEMA);
    await record(servers, new Recorder(servers, source, await freePorts(2)), new Client({ connection }));
  } finally {
    await source.end();
    await connection.close();
  }
} catch (failure) {
  await rm(FOLDER, { recursive: true });
  throw failure;
} finally {
  await servers.stop();
}
