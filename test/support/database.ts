// A fresh database for one test file, dropped at its end. A replication slot left in it would pin the log of every other
// file's database: the file that left one fails.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, vi } from 'vitest';

export interface TestDatabase {
  readonly name: string;
  /** Superuser on this database. */
  readonly url: string;
}

/** A database that exists while the tests of the calling file (or `describe`) run; its name is known at once. */
export function freshDatabase(): TestDatabase {
  const name = `walflow_test_${randomBytes(6).toString('hex')}`;
  const server = inject('servers').postgresUrl;
  beforeAll(() => withClient(server, (client) => client.query(`create database ${name}`)));
  afterAll(async () => {
    const leaked = await withClient(server, (client) => drop(client, name));
    expect(leaked, 'replication slots left behind by this file').toEqual([]);
  });
  return { name, url: databaseUrl(server, name) };
}

/** Runs one piece of work over a connection of its own. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  // A server that goes away under an idle client must not end the test process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Names of the slots that were still there. */
async function drop(client: pg.Client, database: string): Promise<readonly string[]> {
  const { rows: slots } = await client.query<{ slot_name: string }>(
    `select slot_name, pg_terminate_backend(active_pid) from pg_replication_slots where database = $1`,
    [database],
  );
  for (const { slot_name } of slots) {
    // Its walsender needs a moment to end.
    await vi.waitFor(() => client.query('select pg_drop_replication_slot($1)', [slot_name]), { timeout: 10_000 });
  }
  await client.query(`drop database ${database} with (force)`);
  return slots.map(({ slot_name }) => slot_name);
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
