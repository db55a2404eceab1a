// Warehouses of every older catalog version open, answer as before, and go on merging from the lake they were made of.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CATALOG_VERSION } from '../../activities/warehouse/duckdb/catalog-sql.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import { TestWarehouse } from '../warehouse/duckdb/warehouse.ts';
import { NOW } from '../warehouse/lab.ts';
import { type Answers, FIXTURE_GRAPH, Fixture } from './fixture.ts';
import { FIXTURE_PIPELINE } from './fixture-assets.ts';

const VERSIONS = readdirSync(new URL('../golden', import.meta.url)).flatMap((name) => {
  const version = /^catalog-(\d+)$/.exec(name)?.[1];
  return version === undefined ? [] : [Number(version)];
});
const LIMITS = { maxRows: 10_000, maxBytes: 10_000_000, timeoutMs: 10_000 };

test('there is a fixture of every version before this one', () => {
  expect(VERSIONS.sort()).toEqual(Array.from({ length: CATALOG_VERSION - 1 }, (_, i) => i + 1));
});

describe.each(VERSIONS)('a warehouse of catalog version %i', (version) => {
  const fixture = new Fixture(version);
  let warehouse: TestWarehouse;

  beforeEach(() => {
    warehouse = new TestWarehouse();
    fixture.unpack(warehouse.options.path);
  });
  afterEach(async () => {
    await warehouse.close();
    rmSync(warehouse.folder, { recursive: true, force: true });
  });

  const dueAssets = async () =>
    (await warehouse.port.dueAssets(FIXTURE_GRAPH.derived)).map(({ asset }) => asset).sort();
  const materialize = async (key: string) => {
    const run = { workflowId: 'materialize/x', runId: crypto.randomUUID(), attempt: 1 };
    const { records } = await warehouse.port.materialize({ asset: FIXTURE_GRAPH.asset(key), run });
    return records.map(({ partition }) => partition);
  };
  const query = async (sql: string) => (await warehouse.port.query(sql, [], LIMITS)).rows;
  const answersAsBefore = async ({ watermark: [watermark], due, materializations, rows }: Answers) => {
    const [epochNo, seq, manifestHash, endLsn] = watermark ?? [];
    expect(await warehouse.port.watermark(FIXTURE_PIPELINE)).toMatchObject({
      ...{ epochNo, seq, manifestHash, endLsn: lsnToHex(BigInt(endLsn ?? 0)) },
    });
    expect(await dueAssets()).toEqual([...new Set(due.map(([asset]) => asset))]);
    for (const [key, records] of Object.entries(materializations)) {
      expect(await warehouse.port.materializations(key, { limit: 50 }), key).toEqual(records);
    }
    await hasRows(rows);
  };
  const hasRows = async (rows: Answers['rows']) => {
    for (const [table, wanted] of Object.entries(rows)) {
      const sql = `select columns(c -> c not like '_walflow%') from ${table} order by all`;
      expect(await query(sql), table).toEqual(wanted);
    }
  };

  test('opens, answers as before, and again when it is opened again', async () => {
    await warehouse.open();
    await answersAsBefore(fixture.answers.before);
    await warehouse.close();
    await warehouse.open();
    await answersAsBefore(fixture.answers.before);
    expect(await query('select version from _walflow.version')).toEqual([[CATALOG_VERSION]]);
  });

  test('knows its assets: the same code is due no more than before, and a record is found by its partition', async () => {
    await warehouse.open();
    await warehouse.port.declareAssets(FIXTURE_GRAPH.derived, NOW);
    expect(await dueAssets()).toEqual(['analytics/by_hand']);
    expect(await materialize('analytics/revenue_by_day')).toEqual([]);
    const wanted = fixture.answers.before.materializations['analytics/revenue_by_day'] ?? [];
    const found = await warehouse.port.materializations('analytics/revenue_by_day', {
      ...{ partition: '2026-02-02', limit: 50 },
    });
    expect(found).toEqual(wanted.filter(({ partition }) => partition === '2026-02-02'));
    expect(found.length).toBeGreaterThan(0);
  });

  test('goes on merging and recomputing from its lake', async () => {
    await warehouse.open();
    const { after } = fixture.answers;
    const { merged } = await fixture.merge(warehouse.port, warehouse.spool);
    expect(merged?.seqFrom).toBe(Number(fixture.answers.before.watermark[0]?.[1]) + 1);
    for (const { key } of FIXTURE_GRAPH.derived) await materialize(key);
    await hasRows(after.rows);
    expect(await dueAssets()).toEqual([]);
    // What ran by hand for the first time made every day.
    const byHand = await warehouse.port.materializations('analytics/by_hand', { limit: 50 });
    expect(byHand.map(({ partition }) => partition).sort()).toEqual(
      after.rows['analytics.revenue_by_day']?.map(([day]) => String(day).slice(0, 10)),
    );
  });

  test('what was marked partition by partition is due partition by partition', async ({ skip }) => {
    skip(version >= 3, 'from version 3 on there are no marks');
    await withFile(warehouse.options.path, async (connection) => {
      await connection.run(`delete from _walflow.dirty_partitions where partition is null`);
      await connection.run(`insert into _walflow.dirty_partitions (asset, partition, cause, seq, marked_at)
        values ('analytics/revenue_by_day', '2026-02-02', 'x', 1, now())`);
    });
    await warehouse.open();
    expect(await dueAssets()).toEqual(['analytics/by_hand', 'analytics/revenue_by_day']);
    expect(await materialize('analytics/revenue_by_day')).toEqual(['2026-02-02']);
    const marked = fixture.answers.before.due.flatMap(([, partition]) => partition ?? []);
    expect(await warehouse.partitionsIn(FIXTURE_GRAPH.asset('analytics/by_hand'), 'missing')).toEqual([
      ...new Set(marked),
    ]);
    await materialize('analytics/by_hand');
    expect(await dueAssets()).toEqual([]);
  });

  const MOMENTS: readonly (readonly [string, string])[] = [
    // From version 3 on no table is made again.
    ...(version < 3 ? [['has made a table again', 'drop table _walflow_old'] as const] : []),
    ['has made its first table', 'create table _walflow.steps'],
    ['has made all tables', 'update _walflow.version'],
    ['has only to commit', 'commit'],
  ];
  test.each(MOMENTS)('killed when its migration %s is what it was, and migrates then', async (_, statement) => {
    const written = await readAsWritten(warehouse.options.path);
    await killedBefore(statement, warehouse.options.path);
    expect(await readAsWritten(warehouse.options.path)).toEqual(written);
    await warehouse.open();
    await answersAsBefore(fixture.answers.before);
  });

  test('killed right after its migration has migrated', async () => {
    await killedBefore('checkpoint', warehouse.options.path);
    await warehouse.open();
    await answersAsBefore(fixture.answers.before);
    await fixture.merge(warehouse.port, warehouse.spool);
  });
});

/** Migrates a file in a process that is killed when it comes to a statement; at the latest when it has migrated. */
async function killedBefore(statement: string, path: string): Promise<void> {
  const source = (name: string) =>
    fileURLToPath(new URL(`../../activities/warehouse/duckdb/${name}.ts`, import.meta.url));
  const code = `
    import { DuckDBInstance } from '@duckdb/node-api';
    import { prepareCatalog } from ${JSON.stringify(source('catalog'))};
    import { DuckDbSession } from ${JSON.stringify(source('session'))};
    const instance = await DuckDBInstance.create(process.argv[1]);
    const session = new DuckDbSession(await instance.connect());
    const run = session.run.bind(session);
    setInterval(() => {}, 1_000);
    const reached = () => new Promise(() => console.log('reached'));
    session.run = (sql, ...more) => (sql.startsWith(process.argv[2]) ? reached() : run(sql, ...more));
    await prepareCatalog(session);
    await reached();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, path, statement], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  // Nothing hangs here without a word: the process ends by itself when it cannot come so far.
  await Promise.race([once(child.stdout, 'data'), gone.then(() => expect.fail('the migration did not come so far'))]);
  child.kill('SIGKILL');
  await gone;
}

/** All that the walflow that wrote the file finds in its own tables. */
async function readAsWritten(path: string) {
  return await withFile(path, async (connection) => {
    const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
    const names = await rows(`select table_name from duckdb_tables() where schema_name = '_walflow' order by 1`);
    const tables: unknown[] = [];
    for (const [name] of names) tables.push([name, await rows(`select * from _walflow.${name} order by all`)]);
    return tables;
  });
}

async function withFile<T>(path: string, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    return await work(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
