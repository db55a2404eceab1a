// Load over three tables with a history that can be audited: every change of every row writes a version number no other
// change has, so the lake must hold each version exactly once and the warehouse the last one of each row.

import pg from 'pg';

const SCHEMA = `
  create table accounts(id bigint primary key, owner text not null, balance numeric(12,2) not null, version bigint not null);
  create table documents(id bigint primary key, title text not null, body text not null, version bigint not null);
  create table postings(account_id bigint, line_no int, amount numeric(12,2) not null, version bigint not null, primary key (account_id, line_no));
  create table unpublished(id bigint generated always as identity, note text);
  create sequence versions;
  create sequence runs;`;

export const TRAFFIC_TABLES = ['public.accounts', 'public.documents', 'public.postings'] as const;

const ROWS_PER_STATEMENT = 12;
const MAX_ID = 400;
/** Numbers of transactions one run may use; they name rows, so no two runs share one. */
const RUN_LENGTH = 1_000_000;

export interface Traffic {
  /** Row changes committed so far. */
  readonly rows: number;
  readonly transactions: number;
  stop(): Promise<void>;
}

/** Makes the tables and their first rows. */
export async function prepareTraffic(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(SCHEMA);
  await client.query(
    `insert into accounts select i, 'owner ' || i, i, nextval('versions') from generate_series(1, ${MAX_ID}) i`,
  );
  // Bodies are long and incompressible: they are stored out of line, so updates that leave them alone do not log them.
  await client.query(
    `insert into documents select i, 'title ' || i, (select string_agg(md5(random()::text), '') from generate_series(1, 120) where i > 0), nextval('versions')
     from generate_series(1, ${MAX_ID}) i`,
  );
  await client.end();
}

/** Runs transactions over all tables at about `rowsPerSecond` until stopped. Two sessions commit side by side. */
export function startTraffic(url: string, rowsPerSecond: number): Traffic {
  const figures = { rows: 0, transactions: 0 };
  let stopped = false;
  const session = async (seed: number) => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    const startedMs = performance.now();
    let mine = 0;
    try {
      for (let n = seed; !stopped; n += 2) {
        const rows = await transaction(client, n);
        mine += rows;
        figures.rows += rows;
        figures.transactions += 1;
        const waitMs = startedMs + (mine * 2_000) / rowsPerSecond - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    } finally {
      await client.end();
    }
  };
  const sessions = nextRun(url).then((first) => Promise.all([session(first), session(first + 1)]));
  // A failure is told by `stop`.
  sessions.catch(() => undefined);
  return {
    get rows() {
      return figures.rows;
    },
    get transactions() {
      return figures.transactions;
    },
    stop: async () => {
      stopped = true;
      await sessions;
    },
  };
}

async function nextRun(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ run: string }>(`select nextval('runs') as run`);
    return (Number(rows[0]?.run) - 1) * RUN_LENGTH;
  } finally {
    await client.end();
  }
}

/** One transaction; the two sessions own disjoint rows (odd and even keys), so they never wait for each other. */
async function transaction(client: pg.Client, n: number): Promise<number> {
  const lane = n % 2;
  const from = (n * 7) % MAX_ID;
  const keys = `select k from generate_series(${from}, ${from + ROWS_PER_STATEMENT * 2}) k where k % 2 = ${lane}`;
  const statements = [
    `update accounts set balance = balance + 1, version = nextval('versions') where id in (${keys})`,
    `update documents set title = 'title ${n}', version = nextval('versions') where id in (${keys})`,
    `insert into postings select k, ${n}, 1.5, nextval('versions') from (${keys}) x(k)`,
  ];
  if (n % 5 < 2) statements.push(`delete from postings where line_no < ${n - 200} and account_id % 2 = ${lane}`);
  if (n % 11 < 2)
    statements.push(`update documents set body = body || '${n}', version = nextval('versions') where id in (${keys})`);
  // A key change: the row goes far away and comes back some transactions later, its body untouched.
  if (n % 13 < 2) {
    statements.push(
      `update documents set id = case when id > 1000000 then id - 1000000 else id + 1000000 end, version = nextval('versions')
       where id % 1000000 in (select k from (${keys}) x(k) limit 2)`,
    );
  }
  let rows = 0;
  await client.query('begin');
  for (const statement of statements) rows += (await client.query(statement)).rowCount ?? 0;
  await client.query('commit');
  return rows;
}
