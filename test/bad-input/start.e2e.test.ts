// Workers that cannot start, where waiting would mend nothing: they say so in one line and end with a code that is not 0.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { type CommandResult, createRig, type Rig } from '../support/rig.ts';
import { TABLES } from './stand-still.ts';

describe('a worker that cannot start', { timeout: 120_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  const rigs: Rig[] = [];

  const rigWith = async (env: NodeJS.ProcessEnv): Promise<Rig> => {
    const rig = await createRig({ url, folder, tables: TABLES, env });
    rigs.push(rig);
    return rig;
  };
  /** The last thing a person reads. */
  const lastLine = ({ output }: CommandResult) => output.trim().split('\n').at(-1);
  const worker = (rig: Rig, role: string) => rig.run('worker', '--role', role);

  let rig: Rig;
  beforeAll(async () => {
    rig = await rigWith({});
  });
  afterAll(async () => {
    await Promise.all(rigs.map((one) => one.close()));
  });

  test('names every mistake of the configuration with its place', async () => {
    const config = join(folder, 'wrong.config.ts');
    writeFileSync(
      config,
      `export default { name: 'x', warehouses: {}, pipelines: { a: { source: { url: 1, tabels: [] } } } };`,
    );
    for (const command of [['check'], ['worker', '--role', 'ingest']]) {
      const result = await rig.run('--config', config, ...command);
      expect(result.code).toBe(1);
      expect(result.output).toMatch(/pipelines\.a\.source\.url/);
      expect(result.output).toMatch(/tabels/);
      expect(result.output).toMatch(/^error: [\s\S]+hint: [\s\S]+\(CONFIG_INVALID\)$/m);
    }
  });

  test('names the process that has the warehouse file open', async () => {
    const path = join(folder, `${rig.pipeline}.duckdb`);
    const instance = await DuckDBInstance.create(path);
    const result = await worker(rig, 'warehouse');
    instance.closeSync();
    expect(result.code).toBe(1);
    expect(lastLine(result)).toMatch(/^error: .*is in use by .* hint: .*\(WAREHOUSE_LOCKED\)$/);
  });

  test('names the port that is taken, and its setting', async () => {
    const server = createServer().listen(rig.httpPort, '127.0.0.1');
    await once(server, 'listening');
    const result = await worker(rig, 'warehouse');
    server.close();
    expect(result.code).toBe(1);
    expect(lastLine(result)).toMatch(/^error: .*is taken\. hint: .*WALFLOW_HTTP_PORT.*\(PORT_TAKEN\)$/);
  });

  test('says that a warehouse file is none, and leaves it as it is', async () => {
    const broken = await rigWith({});
    writeFileSync(join(folder, `${broken.pipeline}.duckdb`), 'not a database '.repeat(1_000));
    const result = await worker(broken, 'warehouse');
    expect(result.code).toBe(1);
    expect(lastLine(result)).toMatch(/^error: .* hint: .*\(WAREHOUSE_UNREADABLE\)$/);
  });

  test.each([
    ['nothing listens', () => '127.0.0.1:9'],
    ['something else answers', () => new URL(inject('servers').s3.endpoint).host],
  ])('says that Temporal does not answer where %s', async (_, address) => {
    const result = await worker(await rigWith({ TEMPORAL_ADDRESS: address() }), 'ingest');
    expect(result.code).toBe(1);
    expect(lastLine(result)).toMatch(/^error: .* hint: .*TEMPORAL_ADDRESS.*\(TEMPORAL_UNREACHABLE\)$/);
  });

  test('names the namespace that Temporal does not have', async () => {
    const lost = await rigWith({ TEMPORAL_NAMESPACE: 'nowhere' });
    for (const role of ['ingest', 'warehouse']) {
      const result = await worker(lost, role);
      expect(result.code).toBe(1);
      expect(lastLine(result)).toMatch(/^error: .*nowhere.* hint: .*\(TEMPORAL_NAMESPACE_MISSING\)$/);
    }
  });
});
