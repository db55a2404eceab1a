// A source that writes nothing walflow captures: tables outside of the publication, another database. The slot still
// moves, and nobody who waits for a position waits for ever.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';

const PATIENCE_MS = 60_000;
const LIMIT_MS = 180_000;
/** An empty manifest is due after 16 MiB of foreign WAL. */
const FOREIGN_BYTES = 24 * 1024 * 1024;

const pipeline = livePipeline();

describe('a source idle but for what is not captured', () => {
  const other = freshDatabase();

  test.each([
    ['an unpublished table', () => pipeline.url],
    ['another database', () => other.url],
  ])(
    'traffic in %s moves the slot by an empty manifest',
    async (_, url) => {
      // Stored as it is: compressed, it would leave no trace worth speaking of in the log.
      await withClient(url(), (client) =>
        client.query(`create table if not exists unpublished(id bigint, note text);
        alter table unpublished alter column note set storage external`),
      );
      const before = (await log()).length;
      const written = await write(url(), FOREIGN_BYTES);
      await vi.waitFor(async () => expect(await behind(written)).toBeLessThan(FOREIGN_BYTES), {
        timeout: PATIENCE_MS,
        interval: 500,
      });
      const added = (await log()).slice(before);
      expect(added.length).toBeGreaterThan(0);
      expect(added.flatMap(({ tables }) => tables)).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'whoever waits for the current position is answered, again and again, and freshness stays small',
    async () => {
      for (let round = 0; round < 5; round++) {
        await write(pipeline.url, 10_000);
        const lsn = await position(pipeline.url, 'pg_current_wal_lsn()');
        const answer = await pipeline.rig.get(
          `/api/wait?pipeline=${pipeline.rig.pipeline}&lsn=${encodeURIComponent(lsn)}&timeoutMs=60000`,
        );
        expect(answer).toMatchObject({ reached: true });
        expect(await behind(lsn)).toBeLessThanOrEqual(0);
      }
      const [status] = (await pipeline.rig.get('/api/pipelines')) as { tables: { freshnessAgeSeconds: number }[] }[];
      for (const { freshnessAgeSeconds } of status?.tables ?? []) expect(freshnessAgeSeconds).toBeLessThan(30);
      await pipeline.prove();
    },
    LIMIT_MS,
  );

  test(
    'whoever waits while ingest is away is answered once it is back',
    async () => {
      const { rig } = pipeline;
      await pipeline.worker('ingest').kill();
      const lsn = await write(pipeline.url, 10_000);
      const waiting = rig.get(`/api/wait?pipeline=${rig.pipeline}&lsn=${encodeURIComponent(lsn)}&timeoutMs=60000`);
      // The question is asked, and heard by nobody, before ingest starts again.
      await sleep(1_000);
      await pipeline.restart('ingest');
      expect(await waiting).toMatchObject({ reached: true });
    },
    LIMIT_MS,
  );
});

const log = () => readLog(pipeline.rig.prefix, pipeline.rig.pipeline);

/** Commits about so many bytes of log; returns the position behind them. */
async function write(url: string, bytes: number): Promise<string> {
  await withClient(url, (client) =>
    client.query(`insert into unpublished(note) select repeat(md5(i::text), 250) from generate_series(1, $1::int) i`, [
      Math.ceil(bytes / 8_000),
    ]),
  );
  return await position(url, 'pg_current_wal_insert_lsn()');
}

async function position(url: string, expression: string): Promise<string> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ lsn: string }>(`select (${expression})::text as lsn`);
    return rows[0]?.lsn ?? '';
  });
}

/** Bytes from what the slot has confirmed to a position. */
async function behind(lsn: string): Promise<number> {
  return await withClient(pipeline.url, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      'select $1::pg_lsn - confirmed_flush_lsn as bytes from pg_replication_slots where slot_name = $2',
      [lsn, `walflow_${pipeline.rig.pipeline}`],
    );
    return Number(rows[0]?.bytes);
  });
}
