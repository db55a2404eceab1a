// Transactions far larger than a batch may be: they go to the lake in parts while they arrive, become visible as one, and
// the memory of ingest stays bounded.

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';

const ROWS = 300_000;
const MAX_BYTES = 1024 * 1024;
/** The transaction is more than ten times as long; a batch of it held whole, with its Parquet, would be too. */
const MAX_GROWTH_BYTES = 256 * 1024 * 1024;
const FIRST_ID = 5_000_000;

const pipeline = livePipeline({ pipeline: `flush: { maxBytes: ${MAX_BYTES} },` });
const log = () => readLog(pipeline.rig.prefix, pipeline.rig.pipeline);

test('a transaction of 300,000 rows: several parts, one manifest, bounded memory, equal afterwards', async () => {
  const { rig, url } = pipeline;
  const before = peakBytes(pipeline.worker('ingest').pid);
  await pipeline.underLoad(async () => {
    await withClient(url, (client) =>
      client.query(
        `insert into accounts select ${FIRST_ID} + i, md5(i::text) || md5((-i)::text), i, nextval('versions') from generate_series(1, ${ROWS}) i`,
      ),
    );
    await rig.caughtUp();
    const figures = `select count(*), sum(id), sum(balance), sum(version), sum(length(owner)) from public.accounts where id > ${FIRST_ID}`;
    const [merged] = await rig.query(figures);
    const [committed] = await withClient(url, async (client) => {
      const { rows } = await client.query<string[]>({ text: figures, rowMode: 'array' });
      return rows;
    });
    expect(merged).toEqual(committed);
    await withClient(url, (client) => client.query(`delete from accounts where id > ${FIRST_ID}`));
  });
  expect(peakBytes(pipeline.worker('ingest').pid) - before, 'growth of memory').toBeLessThan(MAX_GROWTH_BYTES);
  const parts = (await log()).flatMap(({ tables }) =>
    tables.flatMap(({ table, files }) => (table === 'public.accounts' ? [files.length] : [])),
  );
  expect(parts.filter((count) => count > 5).length, 'manifests with many parts').toBeGreaterThanOrEqual(2);
}, 300_000);

/** The most memory the process ever held; only Linux tells, elsewhere 0. */
function peakBytes(pid: number): number {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return 0;
  const [, kib = ''] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(path, 'utf8')) ?? [];
  return Number(kib) * 1024;
}
