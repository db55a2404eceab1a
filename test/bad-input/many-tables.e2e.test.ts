// Hundreds of small tables at once: status counts them, and each arrives whole.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig } from '../support/rig.ts';
import { seen } from './stand-still.ts';

const TABLES = 200;
const ROWS = 10;

describe('many small tables', { timeout: 300_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;

  beforeAll(async () => {
    await withClient(url, (client) =>
      client.query(`do $$ begin for i in 1..${TABLES} loop
        execute format('create table t%s (id int primary key, name text, price numeric(10,2))', i);
        execute format('insert into t%s select g, ''row '' || g, g from generate_series(1, ${ROWS}) g', i);
      end loop; end $$`),
    );
    rig = await createRig({ url, folder, tables: ['public.*'] });
    rig.start('ingest');
    rig.start('warehouse');
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  test('go live, counted by status', async () => {
    await vi.waitFor(
      async () => {
        const { tables } = await seen(rig);
        expect(tables.filter(({ state }) => state === 'live')).toHaveLength(TABLES);
      },
      { timeout: 240_000, interval: 1_000 },
    );
    const { tables } = await seen(rig);
    expect(tables.map(({ rows }) => rows)).toEqual(tables.map(() => ROWS));
    const { output } = await rig.run('status');
    expect(output).toContain(`${TABLES} of ${TABLES} live`);
    const runs = await rig.query(`select count(distinct capture->>'$.snapshot.fromSeq') from _walflow.tables`);
    expect(runs, 'all of them were begun by one manifest').toEqual([['1']]);
  });

  test('follow their source', async () => {
    await withClient(url, (client) =>
      client.query(
        `do $$ begin for i in 1..${TABLES} loop execute format('delete from t%s where id = 1', i); end loop; end $$`,
      ),
    );
    await rig.caughtUp();
    const { tables } = await seen(rig);
    expect(tables.map(({ rows }) => rows)).toEqual(tables.map(() => ROWS - 1));
  });
});
