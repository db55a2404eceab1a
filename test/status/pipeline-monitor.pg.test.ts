// The monitor against a source on which its statements fail while its connections live, and against one that rests.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeManifest } from '../../activities/lake/manifest-codec.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import type { PipelineResources } from '../../activities/resources.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { createLog } from '../../workers/log/logger.ts';
import { PipelineMonitor, type PipelineReading } from '../../workers/status/pipeline-monitor.ts';
import { NOTHING_MERGED } from '../../workflows/model/watermark.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { logOf, MemoryLake } from '../support/memory-lake.ts';
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

function watch(pipeline: PipelineResources, port: Warehouse, readings: PipelineReading[]): PipelineMonitor {
  const log = createLog({ level: 'silent', format: 'json', out: process.stderr });
  return new PipelineMonitor(pipeline, port, log, (one) => void readings.push(one));
}

test('a reading that fails leaves no connection behind', async () => {
  const name = freshPipelineName();
  const source = { url: Object.assign(new URL(url), { username: role, password: 'pw' }).href, slot: name };
  const pipeline = { name, source, lake: new MemoryLake([]) } as unknown as PipelineResources;
  const readings: PipelineReading[] = [];
  const monitor = watch(pipeline, warehouse.port, readings);
  await expect.poll(() => readings.length, { timeout: 20_000 }).toBeGreaterThan(3);
  expect(readings.every(({ slot, sourceFailure }) => slot === null && sourceFailure !== null)).toBe(true);
  const connections = async () =>
    (await sql(`select from pg_stat_activity where application_name = 'walflow ${name} monitor'`)).rows.length;
  // One is in use, one may be on its way out.
  expect(await connections()).toBeLessThanOrEqual(2);
  await monitor.close();
  await expect.poll(connections).toBe(0);
});

test('while the slot acknowledges nothing the lake is left alone; what is acknowledged is seen, and read unless it is merged', async () => {
  const slot = freshPipelineName();
  await sql(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
  const log = logOf(4);
  const lake = new MemoryLake(log.slice(0, 3));
  const port = { watermark: async () => ({ ...NOTHING_MERGED, seq: 3 }) } as unknown as Warehouse;
  const pipeline = { name: slot, source: { url, slot }, lake } as unknown as PipelineResources;
  const readings: PipelineReading[] = [];
  const monitor = watch(pipeline, port, readings);
  try {
    await expect.poll(() => readings.length, { timeout: 20_000 }).toBeGreaterThan(0);
    const asked = lake.looks + lake.gets;
    await expect.poll(() => readings.length, { timeout: 20_000 }).toBeGreaterThan(3);
    expect(lake.looks + lake.gets).toBe(asked);
    expect(lake.gets).toBe(0);
    for (const manifest of log.slice(3)) lake.put(manifestKey(manifest.seq), encodeManifest(manifest).bytes);
    await sql(`select pg_switch_wal(); select pg_replication_slot_advance('${slot}', pg_current_wal_lsn())`);
    await expect.poll(() => readings.at(-1)?.headSeq, { timeout: 5_000 }).toBe(4);
    expect(readings.at(-1)?.durableLsn).toBe(log[3]?.endLsn);
  } finally {
    await monitor.close();
    await sql(`select pg_drop_replication_slot('${slot}')`);
  }
});
