import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reconcileCapture } from '../../activities/capture/capture.ts';
import { snapshotCompleteKey } from '../../activities/lake/object-key.ts';
import { pendingSnapshots } from '../../activities/snapshot/pending.ts';
import { matchTables } from '../../activities/wal/postgres/catalog.ts';
import { openSource, type Source } from '../../activities/wal/postgres/source.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { snapshotGroup } from '../../workflows/model/names.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { MemoryLake } from '../support/memory-lake.ts';

const SMALL = 60;

describe('snapshots that are still to be taken', () => {
  const { url } = freshDatabase();
  const lake = new MemoryLake([]);
  let source: Source;

  beforeAll(async () => {
    await withClient(url, (client) =>
      client.query(`
        do $$ begin for i in 1..${SMALL} loop execute format('create table t%s (id int primary key)', i); end loop; end $$;
        create table parts (id int primary key) partition by range (id);
        create table part_0 partition of parts for values from (0) to (10);
        create table keyless (line text);
        create table large (id int primary key, filling text);
        alter table large alter filling set storage external;
        insert into large select i, repeat('x', 100000) from generate_series(1, 200) i;
        create table split (id int primary key, filling text) partition by range (id);
        create table split_0 partition of split for values from (0) to (1000);
        alter table split_0 alter filling set storage external;
        insert into split select i, repeat('x', 100000) from generate_series(1, 200) i`),
    );
    source = await openSource(url, 'walflow test');
  });
  afterAll(async () => {
    await source.close();
  });

  async function captured(...patterns: readonly string[]): Promise<readonly CaptureEntry[]> {
    const { tables } = await matchTables(source.connection, patterns);
    let id = 0x1000;
    return reconcileCapture({
      ...{
        catalog: tables.map((table) => table.captured),
        captured: [],
        resync: new Set(),
        exact: new Set(),
        unreadable: new Map(),
      },
      ...{ endLsn: '0000000000000000', r0Lsn: '0000000000000010', seq: 1, newId: () => (id++).toString(16) },
    }).capture;
  }
  const pending = (capture: readonly CaptureEntry[], nextSeq = 1) =>
    pendingSnapshots(source, lake, { capture, nextSeq });

  test('many small tables share runs; large ones, and those without a key, have their own', async () => {
    const { pendingSnapshots: own, pendingGroups: groups = [] } = await pending(await captured('public.*'));
    expect(own.map(({ table }) => table)).toEqual(['public.keyless', 'public.large', 'public.split']);
    expect(groups.flatMap(({ tables }) => tables)).toHaveLength(SMALL + 1);
    expect(groups.length).toBeLessThanOrEqual(16);
    expect(groups.every(({ areNew }) => areNew)).toBe(true);
    for (const { group, tables } of groups)
      expect(tables.map(({ id }) => snapshotGroup(id))).toEqual(tables.map(() => group));
  });

  test('few tables have a run each', async () => {
    const capture = (await captured('public.*')).slice(0, 40);
    const { pendingSnapshots: own, pendingGroups } = await pending(capture);
    expect([own.length, pendingGroups]).toEqual([40, []]);
  });

  test('a table stays in its run, however few of the others are left', async () => {
    const capture = await captured('public.*');
    const before = await pending(capture);
    for (const entry of capture.slice(0, 55))
      lake.put(snapshotCompleteKey(entry, entry.snapshot.id), Buffer.from('{}'));
    const after = await pending(capture, 2);
    const runs = new Map(
      before.pendingGroups?.flatMap(({ group, tables }) => tables.map(({ table }) => [table, group])),
    );
    const left = after.pendingGroups?.flatMap(({ group, tables }) => tables.map(({ table }) => [table, group])) ?? [];
    expect(left.length).toBeGreaterThan(0);
    expect(after.pendingGroups?.some(({ areNew }) => areNew)).toBe(false);
    expect(left.map(([table]) => runs.get(table ?? ''))).toEqual(left.map(([, group]) => group));
    expect([...left, ...after.pendingSnapshots]).toHaveLength(capture.length - 55);
  });
});
