// P18: how fast a large table becomes queryable for the first time, beside PostgreSQL's own client that copies it into
// nothing; and what that takes of the ingest worker's memory.

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BenchContext } from './context.ts';
import { type Comparison, comparison, type Figure } from './figure.ts';
import { BenchPipeline } from './pipeline.ts';

interface SnapshotTable {
  readonly table: string;
  readonly what: string;
  /** Its key column, as in CREATE TABLE. */
  readonly key: string;
}

interface SnapshotRun {
  readonly seconds: number;
  /** Null where the system does not tell. */
  readonly ingestPeakBytes: number | null;
}

const TABLES: readonly SnapshotTable[] = [
  { table: 'first_serial', what: 'first copy, bigserial key', key: 'id bigserial primary key' },
  { table: 'first_uuid', what: 'first copy, uuid key', key: 'id uuid primary key default gen_random_uuid()' },
];
const COLUMNS = `customer_id int not null, status text not null, total numeric(12,2) not null,
  created_at timestamptz not null, note text`;
const FILL = `select i % 100000, (array['new', 'paid', 'sent', 'returned'])[1 + i % 4], (i % 1000000) / 7.0,
  timestamptz '2026-01-01 00:00:00.123456+00' + (i || ' milliseconds')::interval,
  case when i % 3 = 0 then 'left with the neighbour of number ' || i end from generate_series(1, $1::int) i`;

const P18 = { better: 'higher', floor: 0.25, aim: 0.35 } as const;
const P18_MEMORY = { better: 'lower', floor: 500, aim: 400 } as const;
const REFERENCE = 'COPY to /dev/null';
const MAX_DELAY_MS = 250;
const POLL_MS = 10;
const SLOT_TIMEOUT_MS = 60_000;
const MB = 1_000_000;

export async function measureSnapshots(context: BenchContext): Promise<readonly Figure[]> {
  if (!context.rows.has('P18')) return [];
  if (!(await hasPsql())) {
    return [{ tag: 'skipped', row: 'P18', reason: 'psql is not on PATH: Debian has it in `postgresql-client`' }];
  }
  await fillTables(context);
  const figures: Comparison[] = [];
  const peaks: (number | null)[] = [];
  for (const one of TABLES) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 1; round <= context.effort.rounds; round++) {
      theirs.push(told(context, `round ${round}, ${one.table}, ${REFERENCE}`, await copyIntoNothing(context, one)));
      const run = await runSnapshot(context, one, round);
      ours.push(told(context, `round ${round}, ${one.table}, first copy`, run.seconds));
      peaks.push(run.ingestPeakBytes);
    }
    const sides = { unit: 'rows/s', reference: REFERENCE, ours, theirs };
    figures.push(comparison({ row: 'P18', what: one.what, ...sides, bound: P18 }));
  }
  return [...figures, memoryFigure(peaks)];
}

async function fillTables({ client, effort, say }: BenchContext): Promise<void> {
  say(`filling ${TABLES.length} tables with ${effort.snapshotRows.toLocaleString('en')} rows each`);
  for (const { table, key } of TABLES) {
    await client.query(`create table ${table} (${key}, ${COLUMNS})`);
    const columns = 'customer_id, status, total, created_at, note';
    await client.query(`insert into ${table} (${columns}) ${FILL}`, [effort.snapshotRows]);
    // As autovacuum leaves a table that rests.
    await client.query(`vacuum analyze ${table}`);
  }
  await client.query('checkpoint');
}

/** Seconds, by psql's own clock. */
async function copyIntoNothing({ servers, signal }: BenchContext, { table }: SnapshotTable): Promise<number> {
  const commands = ['\\timing on', `\\copy public.${table} to /dev/null`].flatMap((command) => ['-c', command]);
  const env = { ...process.env, LC_ALL: 'C' };
  const { stdout } = await promisify(execFile)('psql', ['-X', '-d', servers.postgresUrl, ...commands], { env, signal });
  const [, milliseconds] = /^Time: ([\d.]+) ms/m.exec(stdout) ?? [];
  if (milliseconds === undefined) throw new Error(`psql says no time: ${stdout}`);
  return Number(milliseconds) / 1000;
}

/** From the moment the pipeline's slot exists until the table is live in a warehouse of its own. */
async function runSnapshot(context: BenchContext, { table }: SnapshotTable, round: number): Promise<SnapshotRun> {
  const plan = { name: `${table}_${round}`, table, maxDelayMs: MAX_DELAY_MS };
  const pipeline = await BenchPipeline.create(plan, context.servers);
  await pipeline.startWarehouse();
  try {
    const slotExists = untilSlotExists(context, pipeline.slot);
    slotExists.catch(() => {});
    await pipeline.startIngest();
    const startMs = await slotExists;
    await pipeline.waitLive(context.signal);
    const seconds = (performance.now() - startMs) / 1000;
    const [[rows] = []] = await pipeline.query(`select count(*) from public.${table}`);
    if (Number(rows) !== context.effort.snapshotRows) throw new Error(`${table}: walflow has ${rows} rows`);
    return { seconds, ingestPeakBytes: pipeline.ingestPeakBytes };
  } finally {
    await pipeline.stop();
  }
}

async function untilSlotExists({ client, signal }: BenchContext, slot: string): Promise<number> {
  const untilMs = performance.now() + SLOT_TIMEOUT_MS;
  while (performance.now() < untilMs) {
    const { rowCount } = await client.query('select from pg_replication_slots where slot_name = $1', [slot]);
    if (rowCount === 1) return performance.now();
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new Error(`walflow has not created slot ${slot}`);
}

function memoryFigure(peaks: readonly (number | null)[]): Figure {
  const known = peaks.filter((peak) => peak !== null);
  if (known.length < peaks.length) {
    return { tag: 'skipped', row: 'P18', reason: 'this system does not tell what a process held (no /proc)' };
  }
  return {
    ...{ tag: 'absolute', row: 'P18', what: 'peak memory of the ingest worker', unit: 'MB' },
    value: Math.max(...known) / MB,
    note: `highest of ${known.length} first copies`,
    bound: P18_MEMORY,
  };
}

async function hasPsql(): Promise<boolean> {
  return promisify(execFile)('psql', ['--version']).then(
    () => true,
    () => false,
  );
}

/** @returns rows a second */
function told({ effort, say }: BenchContext, what: string, seconds: number): number {
  const rate = effort.snapshotRows / seconds;
  say(`  ${what}: ${seconds.toFixed(2)} s, ${Math.round(rate).toLocaleString('en')} rows/s`);
  return rate;
}
