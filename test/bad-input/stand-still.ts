// What a person sees of a pipeline that stands still, and whether it went on by itself: two small tables, the reason the
// API tells, and a comparison of source and warehouse row by row.

import { expect, vi } from 'vitest';
import { withClient } from '../support/database.ts';
import type { Rig } from '../support/rig.ts';

export const TABLES = ['public.items', 'public.others'] as const;
/** After some failures in a row the next attempt, good or bad, is a minute away. */
const PATIENCE = { timeout: 120_000, interval: 250 };

interface SeenTable {
  readonly table: string;
  readonly state: string;
  readonly since: string;
  readonly reason?: string;
  readonly rows: number;
}

interface SeenPipeline {
  readonly state: string;
  readonly reason?: string;
  readonly seq: number;
  readonly durableLsn: string;
  readonly tables: readonly SeenTable[];
}

/** Two tables with some rows. */
export async function prepareTables(url: string): Promise<void> {
  await withClient(url, (client) =>
    client.query(`
      create table items (id bigint generated always as identity primary key, name text not null, price numeric(10,2));
      create table others (id bigint generated always as identity primary key, name text not null, price numeric(10,2));
      insert into items (name, price) select 'item ' || i, i from generate_series(1, 50) i;
      insert into others (name, price) select 'other ' || i, i from generate_series(1, 50) i;`),
  );
}

/** One transaction over both tables, on disk when this returns: whoever reads the log from now on meets it. */
export async function change(url: string, note: string): Promise<void> {
  await withClient(url, (client) =>
    client.query(`
      begin;
      set local synchronous_commit = on;
      insert into items (name, price) values ('${note}', 1.25);
      update items set price = price + 1 where id <= 10;
      insert into others (name, price) values ('${note}', 2.5);
      delete from others where id = (select min(id) from others);
      commit;`),
  );
}

/** The pipeline as the API shows it. */
export async function seen(rig: Rig): Promise<SeenPipeline> {
  const [pipeline] = (await rig.get('/api/pipelines')) as readonly SeenPipeline[];
  if (pipeline === undefined) throw new Error('the API shows no pipeline');
  return pipeline;
}

/** The line the API tells once it tells that code; it has walflow's one form. */
export async function reasonWith(rig: Rig, code: string): Promise<string> {
  return await vi.waitFor(async () => {
    const { reason = 'no reason' } = await seen(rig);
    expect(reason).toMatch(new RegExp(`error: .+\\. hint: .+\\. \\(${code}\\)`));
    return reason;
  }, PATIENCE);
}

/** State and reason of a table, once it is in that state. */
export async function tableIn(rig: Rig, table: string, state: string): Promise<string> {
  return await vi.waitFor(async () => {
    const found = (await seen(rig)).tables.find((one) => one.table === table);
    expect(found).toMatchObject({ table, state });
    return found?.reason ?? '';
  }, PATIENCE);
}

/** Nobody has a reason to complain any more, everything is merged, and every row is equal. */
export async function expectGoesOn(rig: Rig): Promise<void> {
  await vi.waitFor(async () => {
    const { state, reason } = await seen(rig);
    expect({ state, reason }).toEqual({ state: 'streaming', reason: undefined });
  }, PATIENCE);
  await rig.caughtUp();
  // Positions of a new epoch can be lower than those merged before it: "reached" alone may speak of the old one.
  await vi.waitFor(() => expectTablesEqual(rig, TABLES), PATIENCE);
}

export async function expectTablesEqual(rig: Rig, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const columns = 'id, name, price';
    const source = await withClient(rig.url, async (client) => {
      const { rows } = await client.query<unknown[]>({
        text: `select ${columns} from ${table} order by id`,
        rowMode: 'array',
      });
      return rows.map((row) => row.map(String));
    });
    const warehouse = await rig.query(`select ${columns} from ${table} order by id`);
    expect(warehouse, table).toEqual(source);
  }
}
