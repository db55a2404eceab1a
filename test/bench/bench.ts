// One benchmark from start to end: servers, pipelines over empty tables, load, then every row in turn.

import pg from 'pg';
import type { BenchContext } from './context.ts';
import type { Figure } from './figure.ts';
import { measureLatency } from './latency-rows.ts';
import type { BenchOptions, Row } from './options.ts';
import { measureParquet } from './parquet-row.ts';
import { hasPgRecvlogical } from './pg-recvlogical.ts';
import { startServers } from './servers.ts';
import { BASE_SLOT } from './slot.ts';
import { measureSnapshots } from './snapshot-row.ts';
import { measureDecoding, measurePipelines, needsLoadPipelines, prepareLoadPipelines } from './stream-rows.ts';
import { prepareTables, writeLoad } from './workload.ts';

const NEED_LOAD: readonly Row[] = ['P1', 'P2', 'P3', 'P4', 'P5'];
const NEED_PIPELINES: readonly Row[] = ['P2', 'P3', 'P4', 'P7', 'P15', 'P18'];

/** Yields figures as they are known. Leaves nothing behind, whether it ends, fails, or is aborted. */
export async function* runBench(
  options: BenchOptions,
  say: (text: string) => void,
  signal: AbortSignal,
): AsyncGenerator<Figure> {
  const { rows, effort } = options;
  const asked = (needing: readonly Row[]) => needing.some((row) => rows.has(row));
  say('starting the servers');
  const servers = await startServers({ pipelines: asked(NEED_PIPELINES) }, say, signal);
  const client = new pg.Client({ connectionString: servers.postgresUrl });
  // Its server may be stopped first.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const context = { servers, client, rows, effort, say, signal, hasPgRecvlogical: await hasPgRecvlogical() };
    await prepareTables(client);
    if (asked(NEED_LOAD)) yield* measureLoad(context);
    yield* await measureLatency(context);
    yield* await measureSnapshots(context);
  } finally {
    await client.end().catch(() => undefined);
    await servers.stop();
  }
}

async function* measureLoad(context: BenchContext): AsyncGenerator<Figure> {
  const { client, effort, say } = context;
  await client.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [BASE_SLOT]);
  const pipelines = needsLoadPipelines(context) ? await prepareLoadPipelines(context) : [];
  say('writing the load');
  const load = await writeLoad(client, effort);
  say(`${load.rows.toLocaleString('en')} row changes are in the log`);
  yield* await measureDecoding(context, load);
  yield* await measurePipelines(context, load, pipelines);
  yield* await measureParquet(context);
}
