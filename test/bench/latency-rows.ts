// P7 and P15: an outside client commits a row and asks the API for it until it answers, while other transactions run; and
// what that costs in Temporal's history. Everything on this machine, this client included.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { BenchContext } from './context.ts';
import type { Figure } from './figure.ts';
import { BenchPipeline } from './pipeline.ts';
import { quantile } from './statistics.ts';
import { LIVE_TABLE, ROW_VALUES } from './workload.ts';

const TRANSACTIONS_PER_SECOND = 200;
const MAX_DELAY_MS = 50;
/** Between a negative answer and the next question. */
const ASK_AGAIN_MS = 4;
const PROBE_TIMEOUT_MS = 30_000;
/** Probes come at random times, so that they meet every phase of a batch. */
const MAX_PAUSE_MS = 200;
/** The load runs this long before the first probe: caches are filled, code is compiled. */
const WARM_UP_MS = 10_000;
const FIRST_PROBE_ID = 1_000_000_000;
/** An update hits the row inserted this many transactions earlier. */
const UPDATE_DISTANCE = 100;

const INSERT = `insert into ${LIVE_TABLE} select ${ROW_VALUES} from (values ($1::bigint)) x(i)`;
const UPDATE = `update ${LIVE_TABLE} set qty = qty + 1 where id = $1::bigint - ${UPDATE_DISTANCE}`;

export async function measureLatency(context: BenchContext): Promise<readonly Figure[]> {
  if (!context.rows.has('P7') && !context.rows.has('P15')) return [];
  context.say('a live pipeline');
  const pipeline = await BenchPipeline.create(
    { name: 'live', table: LIVE_TABLE, maxDelayMs: MAX_DELAY_MS },
    context.servers,
  );
  await pipeline.startWarehouse();
  try {
    await pipeline.startIngest();
    await pipeline.waitLive(context.signal);
    return await underLoad(context, pipeline);
  } finally {
    await pipeline.stop();
  }
}

async function underLoad(context: BenchContext, pipeline: BenchPipeline): Promise<readonly Figure[]> {
  const { effort, servers, rows, say, signal } = context;
  const load = await startLoad(servers.postgresUrl);
  try {
    await sleep(WARM_UP_MS, undefined, { signal });
    const before = await standing(pipeline);
    const sentBefore = load.sent();
    const startMs = performance.now();
    const latencies = await probe(context, pipeline, effort.probes);
    const seconds = (performance.now() - startMs) / 1000;
    const after = await standing(pipeline);
    const rate = (load.sent() - sentBefore) / seconds;
    const manifests = after.seq - before.seq;
    say(
      `  ${effort.probes} probes in ${seconds.toFixed(0)} s at ${rate.toFixed(0)} tx/s, ${manifests} manifests merged`,
    );
    const all = [...latencyFigures(latencies, rate), historyFigure(after.events - before.events, manifests)];
    return all.filter(({ row }) => rows.has(row));
  } finally {
    await load.stop();
  }
}

function latencyFigures(latencies: readonly number[], rate: number): readonly Figure[] {
  const at = (share: number) => quantile(latencies, share);
  const spread = [0, 0.25, 0.75, 0.9, 1].map((share) => Math.round(at(share)));
  const note = `${latencies.length} probes beside ${rate.toFixed(0)} tx/s; min, p25, p75, p90, max: ${spread.join(', ')}`;
  const figure = { tag: 'absolute', row: 'P7', unit: 'ms', note } as const;
  return [
    {
      ...figure,
      what: 'COMMIT to first answer, p50',
      value: at(0.5),
      bound: { better: 'lower', floor: 200, aim: 120 },
    },
    {
      ...figure,
      what: 'COMMIT to first answer, p99',
      value: at(0.99),
      bound: { better: 'lower', floor: 500, aim: 300 },
    },
  ];
}

function historyFigure(events: number, manifests: number): Figure {
  return {
    ...{ tag: 'absolute', row: 'P15', what: 'history of merge/<pipeline>', unit: 'events a manifest' },
    value: events / manifests,
    note: `${events} events, ${manifests} manifests`,
    bound: { better: 'lower', floor: 0.3, aim: 0.15 },
  };
}

async function standing(pipeline: BenchPipeline): Promise<{ seq: number; events: number }> {
  const [[seq] = []] = await pipeline.query('select seq::varchar from _walflow.watermark');
  return { seq: Number(seq), events: await pipeline.mergeEvents() };
}

/** Milliseconds from the return of COMMIT to the first answer that has the row. */
async function probe(context: BenchContext, pipeline: BenchPipeline, probes: number): Promise<readonly number[]> {
  const client = await connected(context.servers.postgresUrl);
  const latencies: number[] = [];
  try {
    for (let id = FIRST_PROBE_ID; id < FIRST_PROBE_ID + probes; id++) {
      await sleep(Math.random() * MAX_PAUSE_MS, undefined, { signal: context.signal });
      await client.query({ name: 'insert', text: INSERT, values: [id] });
      const committedMs = performance.now();
      for (;;) {
        const found = await pipeline.query(`select id from public.${LIVE_TABLE} where id = ${id}`);
        const waitedMs = performance.now() - committedMs;
        if (found.length > 0) {
          latencies.push(waitedMs);
          break;
        }
        if (waitedMs > PROBE_TIMEOUT_MS) throw new Error(`probe ${id} was not readable after ${PROBE_TIMEOUT_MS} ms`);
        await sleep(ASK_AGAIN_MS, undefined, { signal: context.signal });
      }
    }
  } finally {
    await client.end();
  }
  return latencies;
}

interface RunningLoad {
  /** Transactions so far. */
  sent(): number;
  stop(): Promise<void>;
}

/** Paced transactions of one insert and one update over one connection; late ones are caught up with. */
async function startLoad(url: string): Promise<RunningLoad> {
  const client = await connected(url);
  const startMs = performance.now();
  let sent = 0;
  let stopped = false;
  const run = async () => {
    while (!stopped) {
      const due = ((performance.now() - startMs) / 1000) * TRANSACTIONS_PER_SECOND;
      for (; sent < due && !stopped; sent++) {
        await client.query('begin');
        await client.query({ name: 'insert', text: INSERT, values: [sent] });
        await client.query({ name: 'update', text: UPDATE, values: [sent] });
        await client.query('commit');
      }
      await sleep(1);
    }
  };
  const running = run();
  running.catch(() => {});
  return {
    sent: () => sent,
    stop: async () => {
      stopped = true;
      await running;
      await client.end();
    },
  };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
