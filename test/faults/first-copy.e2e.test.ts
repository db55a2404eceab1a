// First copies under load: rows change, move to other keys, and vanish while chunks are read; ingest dies in the middle.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { withClient } from '../support/database.ts';
import { type AuditedCapture, lakeKeys, readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';
import { atExchange } from '../support/s3-moment.ts';
import type { S3Exchange } from '../support/s3-proxy.ts';

const LIMIT_MS = 300_000;
const KILLS = 2;
/** Each chunk takes this much longer, so that much happens between two of them. */
const CHUNK_DELAY_MS = 30;
/** Longer than a copy goes on before it notices that another one took its place. */
const REPLACED_AFTER_MS = 12_000;

const CHUNK_ROWS = 50;

const pipeline = livePipeline({ held: true, pipeline: `snapshot: { chunkRows: ${CHUNK_ROWS} },` });

const isMarkerPut = ({ method, key }: S3Exchange) =>
  method === 'PUT' && /\/snapshot\/.*\/documents\/.*\/\d+\.json$/.test(key);

test(
  'the first copy of all tables under load, killed twice in the middle: finished chunks are not read again',
  async () => {
    const { rig } = pipeline;
    await pipeline.underLoad(async () => {
      pipeline.launch();
      for (let kill = 0; kill < KILLS; kill++) {
        await atExchange(rig.s3, 'before', isMarkerPut, async () => undefined);
        await atExchange(rig.s3, 'before', isMarkerPut, async () => {
          await pipeline.worker('ingest').kill();
          return 'drop';
        });
        await pipeline.restart('ingest');
      }
      slowChunks();
      await withClient(pipeline.url, (client) => client.query('truncate postings'));
      // Slowed down any longer, rows that move meanwhile would ask for one snapshot after the other.
      rig.s3.before = () => undefined;
    });
    const copies = chunksPerNumber(await lakeKeys(rig, 'snapshot'));
    const readAgain = [...copies].filter(([, count]) => count > 1).map(([chunk]) => chunk);
    // All tables are copied side by side: a kill costs each at most the chunk it was at.
    expect(readAgain.length, readAgain.join(', ')).toBeLessThanOrEqual(KILLS * 3);
  },
  LIMIT_MS,
);

test.each(['public.documents', 'public.postings'])(
  '%s copied again under load, because someone asked for it',
  async (table) => {
    const { rig } = pipeline;
    const before = (await captured(table))?.snapshot.id;
    await pipeline.underLoad(async () => {
      slowChunks();
      await rig.signal('resyncTable', table);
      await vi.waitFor(async () => expect((await captured(table))?.snapshot.id).not.toBe(before), {
        timeout: 60_000,
        interval: 200,
      });
      await withClient(pipeline.url, (client) => client.query('truncate postings'));
      rig.s3.before = () => undefined;
      await rig.caughtUp();
    });
  },
  LIMIT_MS,
);

test(
  'a row that moves past the copy, its long value untouched: the table is copied once more, never with a hole',
  async () => {
    const { rig, url } = pipeline;
    const copies = async () =>
      new Set((await lakeKeys(rig, 'snapshot')).flatMap((key) => /documents\/([^/]+)\//.exec(key)?.[1] ?? []));
    await withClient(url, (client) =>
      client.query(
        `insert into documents select 9000001, 'far', string_agg(md5(random()::text), ''), nextval('versions') from generate_series(1, 120)`,
      ),
    );
    // One chunk is read while the one before it is stored: the row has to be further away than that.
    await withClient(url, (client) =>
      client.query(
        `insert into documents select 8000000 + i, 'between', 'x', nextval('versions') from generate_series(1, ${CHUNK_ROWS * 4}) i`,
      ),
    );
    await rig.caughtUp();
    const before = await copies();
    await pipeline.underLoad(async () => {
      await rig.signal('resyncTable', 'public.documents');
      // Behind the first chunk's range and before the last one's: no chunk sees the row, and the log has it without its body.
      await atExchange(rig.s3, 'before', isMarkerPut, async () => {
        await withClient(url, (client) =>
          client.query(`update documents set id = -1, version = nextval('versions') where id = 9000001`),
        );
        return undefined;
      });
      await vi.waitFor(async () => expect((await copies()).size).toBeGreaterThan(before.size + 1), {
        timeout: 120_000,
        interval: 500,
      });
    });
    // In one transaction: whatever moves, this copy is the last one. Only a copy in chunks stores where the next one begins.
    const last = (await captured('public.documents'))?.snapshot;
    expect(last?.exact).toBe(true);
    const stored = (await lakeKeys(rig, 'snapshot')).filter((key) => key.includes(`/${last?.id}/`));
    expect(stored.filter((key) => key.endsWith('.parquet')).length, 'files of the copy').toBeGreaterThan(1);
    expect(stored.filter((key) => /\/\d+\.json$/.test(key))).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'a copy asked for again while it is made: the one that was replaced ends where it is',
  async () => {
    const { rig } = pipeline;
    const table = 'public.documents';
    const newCopy = async (before: string | undefined) => {
      await rig.signal('resyncTable', table);
      return await vi.waitFor(
        async () => {
          const id = (await captured(table))?.snapshot.id;
          expect(id).not.toBe(before);
          return id;
        },
        { timeout: 60_000, interval: 200 },
      );
    };
    // Slow enough that no copy comes to its end before someone looks whether it is still wanted.
    slowChunks(REPLACED_AFTER_MS / 4);
    const first = await newCopy((await captured(table))?.snapshot.id);
    await atExchange(rig.s3, 'before', isMarkerPut, async () => undefined);
    slowChunks(REPLACED_AFTER_MS / 4);
    const second = await newCopy(first);
    await sleep(REPLACED_AFTER_MS);
    slowChunks();
    await rig.caughtUp();
    await vi.waitFor(async () => expect(await isWhole(second)).toBe(true), { timeout: 60_000, interval: 200 });
    expect(await isWhole(first)).toBe(false);
    rig.s3.before = () => undefined;
  },
  LIMIT_MS,
);

async function isWhole(snapshotId: string | undefined): Promise<boolean> {
  return (await lakeKeys(pipeline.rig, 'snapshot')).some((key) => key.endsWith(`/${snapshotId}/complete.json`));
}

function slowChunks(delayMs = CHUNK_DELAY_MS): void {
  pipeline.rig.s3.before = async ({ method, key }) => {
    if (method === 'PUT' && key.includes('/snapshot/')) await sleep(delayMs);
    return undefined;
  };
}

/** The table as the log last described it. */
async function captured(table: string): Promise<AuditedCapture | undefined> {
  const log = await readLog(pipeline.rig.prefix, pipeline.rig.pipeline);
  return log.findLast(({ capture }) => capture !== null)?.capture?.find((entry) => entry.table === table);
}

/** How often each chunk of each copy was stored. */
function chunksPerNumber(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const [, chunk] = /^(.*\/\d+)-[^/]*\.parquet$/.exec(key) ?? [];
    if (chunk !== undefined) counts.set(chunk, (counts.get(chunk) ?? 0) + 1);
  }
  expect(counts.size, 'chunks seen').toBeGreaterThan(10);
  return counts;
}
