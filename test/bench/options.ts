// What `npm run bench` is asked for.

import { parseArgs } from 'node:util';
import type { SoakOptions } from './soak.ts';

export const ROWS = ['P1', 'P2', 'P3', 'P4', 'P5', 'P7', 'P15', 'P18'] as const;
/** P16 and P17 are measured by `--soak` alone: they take their time. */
export type Row = (typeof ROWS)[number] | 'P16' | 'P17';

/** How much work a run does. Ratios need rounds; rates need runs that last longer than their start. */
export interface Effort {
  /** Inserted rows; as many updates and a twentieth as many deletes follow. */
  readonly inserts: number;
  readonly rounds: number;
  readonly parquetRows: number;
  readonly parquetRounds: number;
  readonly probes: number;
  /** Of each table that is copied for the first time. */
  readonly snapshotRows: number;
}

export interface BenchOptions {
  readonly rows: ReadonlySet<Row>;
  readonly quick: boolean;
  readonly effort: Effort;
  readonly jsonFile: string | null;
  /** Instead of the rows. */
  readonly soak: SoakOptions | null;
}

const FULL: Effort = {
  inserts: 1_000_000,
  rounds: 3,
  parquetRows: 400_000,
  parquetRounds: 5,
  probes: 300,
  snapshotRows: 3_000_000,
};
const SOAK: SoakOptions = { minutes: 30, rowsPerSecond: 200 };
const QUICK: Effort = {
  inserts: 150_000,
  rounds: 2,
  parquetRows: 100_000,
  parquetRounds: 3,
  probes: 100,
  snapshotRows: 500_000,
};

export const HELP = `npm run bench -- [--quick] [--only P1,P2] [--json FILE]
npm run bench -- --soak [--minutes N] [--rate ROWS] [--json FILE]

Measures walflow on this machine beside a reference run, round by round in turns, and prints the ratios.
It starts its own PostgreSQL, S3 server and Temporal in a temporary folder and removes everything afterwards.

  --quick      about 300 k rows instead of 2 M, fewer rounds and probes (4 minutes instead of 15)
  --only ROWS  only these: ${ROWS.join(', ')}
  --json FILE  write every figure of every round there too
  --soak       leave the demo of npm start alone and print what each of its processes holds and uses (Linux)
  --minutes N  how long (${SOAK.minutes})
  --rate ROWS  row changes a second (${SOAK.rowsPerSecond}); 0.001 is an idle pipeline
  --help       this text

  P1   log to decoded rows           against pg_recvlogical on a copy of the slot
  P2   log to merged, all of it      against the same
  P3   the same                      against the obvious build (the package's plugin, appender, MERGE INTO)
  P4   walsender CPU per row         against pg_recvlogical's walsender (Linux)
  P5   Parquet rows/s per batch size against CSV spool and DuckDB COPY
  P7   COMMIT to first answer        200 transactions a second beside it, flush 50 ms
  P15  Temporal history per manifest during P7
  P18  first copy of a large table    against COPY … TO STDOUT into nothing; peak memory of ingest
  P16  processor time                of a soak's second half
  P17  memory, and its growth        of the same
`;

/** Null = help was asked for. Throws with a text for people when the arguments are wrong. */
export function readOptions(args: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'string' },
      soak: { type: 'boolean', default: false },
      minutes: { type: 'string', default: String(SOAK.minutes) },
      rate: { type: 'string', default: String(SOAK.rowsPerSecond) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  return {
    rows: new Set(values.only === undefined ? ROWS : values.only.split(',').map(rowOf)),
    quick: values.quick,
    effort: values.quick ? QUICK : FULL,
    jsonFile: values.json ?? null,
    soak: values.soak
      ? { minutes: positive('--minutes', values.minutes), rowsPerSecond: positive('--rate', values.rate) }
      : null,
  };
}

function rowOf(text: string): Row {
  const row = ROWS.find((name) => name === text.trim().toUpperCase());
  if (row === undefined) throw new Error(`--only ${text}: rows are ${ROWS.join(', ')}`);
  return row;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new Error(`${option} ${text}: a number above 0`);
  return value;
}
