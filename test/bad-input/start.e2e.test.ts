// Workers that cannot start, where waiting would repair nothing: they say so in one line and end with a code that is not 0.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ErrorCode } from '../../workflows/model/errors.ts';
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
  /** Exit code 1, and the last thing a person reads is walflow's one form of a failure. */
  const expectRefused = ({ code, output }: CommandResult, errorCode: ErrorCode, what: RegExp) => {
    expect(code).toBe(1);
    const line = output.trim().split('\n').at(-1);
    expect(line).toMatch(new RegExp(`^error: .+\\. hint: .+\\. \\(${errorCode}\\)$`));
    expect(line).toMatch(what);
  };
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
    expectRefused(result, 'WAREHOUSE_LOCKED', /is in use by/);
  });

  test('names the port that is taken, and its setting', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const result = await worker(await rigWith({ WALFLOW_HTTP_PORT: String(port) }), 'warehouse');
    server.close();
    expectRefused(result, 'PORT_TAKEN', /hint: .*WALFLOW_HTTP_PORT/);
  });

  test('says that a warehouse file is none, and leaves it as it is', async () => {
    const broken = await rigWith({});
    writeFileSync(join(folder, `${broken.pipeline}.duckdb`), 'not a database '.repeat(1_000));
    const result = await worker(broken, 'warehouse');
    expectRefused(result, 'WAREHOUSE_UNREADABLE', /does not open as a DuckDB file/);
  });

  test.each([
    ['nothing listens', () => '127.0.0.1:9'],
    ['something else answers', () => new URL(inject('servers').s3.endpoint).host],
  ])('says that Temporal does not answer where %s', async (_, address) => {
    const result = await worker(await rigWith({ TEMPORAL_ADDRESS: address() }), 'ingest');
    expectRefused(result, 'TEMPORAL_UNREACHABLE', /hint: .*TEMPORAL_ADDRESS/);
  });

  test('names the namespace that Temporal does not have', async () => {
    const lost = await rigWith({ TEMPORAL_NAMESPACE: 'nowhere' });
    for (const role of ['ingest', 'warehouse']) {
      expectRefused(await worker(lost, role), 'TEMPORAL_NAMESPACE_MISSING', /nowhere/);
    }
  });
});
