// What is deployed follows the configuration: a changed heartbeat timeout and a changed warehouse reach workflows that run.
// Real commands, real workers.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';

const PATIENCE = { timeout: 60_000, interval: 250 };

describe('deploy', { timeout: 240_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  let client: Client;
  let connection: Connection;
  let warehouse: WorkerProcess;

  beforeAll(async () => {
    await withClient(url, (source) =>
      source.query('create table orders(id int primary key); insert into orders select generate_series(1, 100)'),
    );
    rig = await createRig({ url, folder, tables: ['public.orders'] });
    connection = await Connection.connect({ address: rig.temporalAddress });
    client = new Client({ connection, namespace: rig.namespace });
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
    await connection?.close();
  });

  const deploy = async (...flags: readonly string[]) => {
    const { code, output } = await rig.run('deploy', ...flags);
    expect(code, output).toBe(0);
    return output.trim().split('\n');
  };

  test('starts what is missing, and says so when nothing changes, also before any worker lives', async () => {
    const ids = [`ingest/${rig.pipeline}`, `merge/${rig.pipeline}`];
    const started = ids.map((id) => `+ ${id} starts`);
    const attributes = expect.stringContaining('+ search attributes WalflowPipeline');
    expect(await deploy('--dry-run')).toEqual([attributes, ...started, 'a dry run: nothing was done']);
    expect(await deploy()).toEqual([attributes, ...started]);
    expect(await deploy()).toEqual([...ids.map((id) => `= ${id} runs as configured`), 'nothing changes']);
  });

  test('a changed heartbeat timeout reaches the stream that runs', async () => {
    rig.start('ingest');
    warehouse = rig.start('warehouse');
    await rig.caughtUp();
    // The workers were started with five seconds.
    expect(await deploy('--heartbeat-timeout', '21')).toEqual([
      `~ ingest/${rig.pipeline}: heartbeat timeout 5 s → 21 s`,
      `~ merge/${rig.pipeline}: heartbeat timeout 5 s → 21 s`,
    ]);
    const stream = async () => {
      const { events } = await client.workflow.getHandle(`ingest/${rig.pipeline}`).fetchHistory();
      const last = events?.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []).at(-1);
      return { name: last?.activityType?.name, seconds: Number(last?.heartbeatTimeout?.seconds) };
    };
    await vi.waitFor(async () => expect(await stream()).toEqual({ name: 'streamChanges', seconds: 21 }), PATIENCE);
    expect((await deploy('--heartbeat-timeout', '21')).at(-1)).toBe('nothing changes');
    await withClient(url, (source) => source.query('insert into orders select generate_series(101, 200)'));
    await rig.caughtUp();
  });

  test('a pipeline that is given another warehouse is merged there, although nobody serves the old one any more', async () => {
    await warehouse.stop();
    const file = join(folder, `${rig.pipeline}.config.ts`);
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text
        .replace(/warehouses: \{.*\}/, `warehouses: { second: duckdb({ path: './second.duckdb' }) }`)
        .replace('source: {', `warehouse: 'second', source: {`),
    );
    const [, moved] = await deploy('--dry-run', '--heartbeat-timeout', '21');
    const [from, to] = ['walflow-warehouse-main', 'walflow-warehouse-second'];
    expect(moved).toBe(`~ merge/${rig.pipeline} moves from queue ${from} to ${to}`);
    expect((await deploy('--heartbeat-timeout', '21'))[1]).toBe(moved);
    rig.start('warehouse');
    await withClient(url, (source) => source.query('delete from orders where id <= 50'));
    await rig.caughtUp();
    expect(await rig.get('/api/pipelines')).toMatchObject([{ tables: [{ table: 'public.orders', rows: 150 }] }]);
    expect(await rig.run('verify', rig.pipeline)).toMatchObject({ code: 0 });
  });
});
