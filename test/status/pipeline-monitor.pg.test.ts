// The monitor against a source on which its statements fail while its connections live.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PipelineResources } from '../../activities/resources.ts';
import { createLog } from '../../workers/log/logger.ts';
import { PipelineMonitor, type PipelineReading } from '../../workers/status/pipeline-monitor.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { MemoryLake } from '../support/memory-lake.ts';
import { freshPipelineName } from '../support/unique.ts';
import { TestWarehouse } from '../warehouse/duckdb/warehouse.ts';

const { url } = freshDatabase();
const warehouse = TestWarehouse.forFile();
const role = freshPipelineName();
const sql = (text: string) => withClient(url, (client) => client.query(text));

beforeAll(async () => {
  await sql(`create role ${role} login password 'pw'; revoke select on pg_catalog.pg_replication_slots from public`);
});
afterAll(() => sql(`drop owned by ${role}; drop role ${role}`));

test('a reading that fails leaves no connection behind', async () => {
  const name = freshPipelineName();
  const source = { url: Object.assign(new URL(url), { username: role, password: 'pw' }).href, slot: name };
  const pipeline = { name, source, lake: new MemoryLake([]) } as unknown as PipelineResources;
  const readings: PipelineReading[] = [];
  const monitor = new PipelineMonitor(
    pipeline,
    warehouse.port,
    createLog({ level: 'silent', format: 'json', out: process.stderr }),
    (one) => {
      readings.push(one);
    },
  );
  await expect.poll(() => readings.length, { timeout: 20_000 }).toBeGreaterThan(3);
  expect(readings.every(({ slot, sourceFailure }) => slot === null && sourceFailure !== null)).toBe(true);
  const connections = async () =>
    (await sql(`select from pg_stat_activity where application_name = 'walflow ${name} monitor'`)).rows.length;
  // One is in use, one may be on its way out.
  expect(await connections()).toBeLessThanOrEqual(2);
  await monitor.close();
  await expect.poll(connections).toBe(0);
});
