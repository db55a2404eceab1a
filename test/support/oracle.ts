// The oracle: source and warehouse side by side, value by value, read by two clients that share no code with the product.

import { expect } from 'vitest';
import { withClient } from './database.ts';
import { chainProblems, readLog, versionsInLake } from './lake-audit.ts';
import type { Rig } from './rig.ts';
import { TRAFFIC_TABLES } from './traffic.ts';

const COLUMNS: Readonly<Record<string, { readonly columns: string; readonly order: string }>> = {
  'public.accounts': { columns: 'id::text, owner, balance::text, version::text', order: 't.id' },
  'public.documents': { columns: 'id::text, title, body, version::text', order: 't.id' },
  'public.postings': {
    columns: 'account_id::text, line_no::text, amount::text, version::text',
    order: 't.account_id, t.line_no',
  },
};

/** Every row of every table is equal, and none is missing or too many. */
export async function expectEqual(rig: Rig): Promise<void> {
  for (const table of TRAFFIC_TABLES) {
    const { columns, order } = COLUMNS[table] ?? { columns: '*', order: '1' };
    const sql = (cast: (text: string) => string) => `select ${cast(columns)} from ${table} t order by ${order}`;
    const source = await withClient(rig.url, async (client) => {
      const { rows } = await client.query<string[]>({ text: sql((text) => text), rowMode: 'array' });
      return rows;
    });
    const warehouse = await rig.query(sql((text) => text.replaceAll('::text', '::varchar')));
    expect(warehouse.length, `rows of ${table}`).toBe(source.length);
    const differing = source.findIndex((row, i) => row.join('\n') !== warehouse[i]?.join('\n'));
    const pair = `${source[differing]?.join(' ').slice(0, 200)} / ${warehouse[differing]?.join(' ').slice(0, 200)}`;
    expect(differing, `first differing row of ${table}: ${pair}`).toBe(-1);
  }
}

/** The log is one chain and holds every version at most once, the last of every row among them. */
export async function expectExactLog(rig: Rig, folder: string): Promise<void> {
  const log = await readLog(rig.prefix, rig.pipeline);
  expect(chainProblems(log)).toEqual([]);
  for (const table of TRAFFIC_TABLES) {
    const versions = await versionsInLake({ ...rig, folder }, log, table);
    const twice = [...versions].filter(([, count]) => count !== 1).map(([version]) => version);
    expect(twice, `versions of ${table} that are in the log twice`).toEqual([]);
  }
}

/** Versions the source wrote between two points, all of which must be in the lake (rows deleted since are not counted). */
export async function expectNothingLost(rig: Rig, folder: string, fromVersion: bigint): Promise<void> {
  const log = await readLog(rig.prefix, rig.pipeline);
  for (const table of TRAFFIC_TABLES) {
    const versions = await versionsInLake({ ...rig, folder }, log, table);
    const wanted = await withClient(rig.url, async (client) => {
      const { rows } = await client.query<{ version: string }>(
        `select version::text from ${table} where version > $1`,
        [fromVersion.toString()],
      );
      return rows.map((row) => row.version);
    });
    expect(
      wanted.filter((version) => !versions.has(version)),
      `versions of ${table} missing in the log`,
    ).toEqual([]);
  }
}
