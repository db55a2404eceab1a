// kill -9 of ingest at each step between data file, manifest and acknowledge; also where the files are in the manifest, so
// that there is one step less.

import { describe, expect, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { lakeKeys, readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';
import { atExchange, isManifestPut } from '../support/s3-moment.ts';

const ROUNDS = 3;
const LIMIT_MS = 300_000;
/** What waited while no worker lived must not be one batch: it would be larger than any manifest may be. */
const FLUSH = 'flush: { maxRows: 2_000 },';

describe.each([
  { where: 'in objects', inlineBytes: 0, orphansAtLeast: ROUNDS },
  { where: 'inside manifests', inlineBytes: 1_048_576, orphansAtLeast: 0 },
])('with change files $where', ({ inlineBytes, orphansAtLeast }) => {
  const pipeline = livePipeline({ lake: `inlineBytes: ${inlineBytes}`, pipeline: FLUSH });
  const ingest = () => pipeline.worker('ingest');

  async function repeatedly(kill: () => Promise<void>): Promise<void> {
    await pipeline.underLoad(async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await kill();
        await pipeline.restart('ingest');
      }
    });
  }

  test(
    'killed before its manifest was stored: files that are objects are nobody’s, the rows come again',
    async () => {
      await repeatedly(() =>
        atExchange(pipeline.rig.s3, 'before', isManifestPut, async () => {
          await ingest().kill();
          return 'drop';
        }),
      );
      const log = await readLog(pipeline.rig.prefix, pipeline.rig.pipeline);
      const named = new Set(
        log.flatMap((manifest) => manifest.tables.flatMap(({ files }) => files.map(({ key }) => key))),
      );
      const stored = await lakeKeys(pipeline.rig, 'data');
      expect(stored.filter((key) => !named.has(key)).length, 'data files in flight').toBeGreaterThanOrEqual(
        orphansAtLeast,
      );
      if (orphansAtLeast === 0) expect(stored).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'killed after its manifest was stored and before it heard of that: the server sends the rows again, the log has them once',
    async () => {
      await repeatedly(() =>
        atExchange(pipeline.rig.s3, 'after', isManifestPut, async ({ status }) => {
          expect(status).toBe(200);
          await ingest().kill();
          return 'drop';
        }),
      );
    },
    LIMIT_MS,
  );

  test(
    'killed right after an acknowledge: what is acknowledged is in the lake',
    async () => {
      await repeatedly(async () => {
        await acknowledged();
        await ingest().kill();
        const confirmed = await confirmedLsn();
        const log = await readLog(pipeline.rig.prefix, pipeline.rig.pipeline);
        expect(confirmed <= (log.at(-1)?.endLsn ?? ''), 'acknowledged and in the lake').toBe(true);
      });
    },
    LIMIT_MS,
  );

  /** Resolves as soon as the slot moves. */
  async function acknowledged(): Promise<void> {
    const before = await confirmedLsn();
    const untilMs = performance.now() + 60_000;
    while ((await confirmedLsn()) === before) {
      if (performance.now() > untilMs) expect.fail(`the slot stays at ${before}: nothing was in flight`);
    }
  }

  /** 16 hex digits, as manifests write it. */
  async function confirmedLsn(): Promise<string> {
    return await withClient(pipeline.url, async (client) => {
      const { rows } = await client.query<{ lsn: string }>(
        `select lpad(to_hex((confirmed_flush_lsn - '0/0')::bigint), 16, '0') as lsn from pg_replication_slots where slot_name = $1`,
        [`walflow_${pipeline.rig.pipeline}`],
      );
      return rows[0]?.lsn ?? '';
    });
  }
});

describe('with another limit at every start', () => {
  const pipeline = livePipeline({ lake: 'inlineBytes: 0', pipeline: FLUSH });

  test(
    'killed and started again, batches go where the limit of the time says, and the log is one',
    async () => {
      await pipeline.underLoad(async () => {
        for (const inlineBytes of [1_048_576, 0, 1_048_576]) {
          await pipeline.worker('ingest').kill();
          pipeline.rig.configure({ lake: `inlineBytes: ${inlineBytes}` });
          const { length } = await readLog(pipeline.rig.prefix, pipeline.rig.pipeline);
          await pipeline.restart('ingest');
          await expect
            .poll(async () => (await readLog(pipeline.rig.prefix, pipeline.rig.pipeline)).length, { timeout: 60_000 })
            .toBeGreaterThan(length + 5);
        }
      });
      const log = await readLog(pipeline.rig.prefix, pipeline.rig.pipeline);
      const versions = log.flatMap((one) => (one.tables.length > 0 ? [one.formatVersion] : []));
      const changes = versions.filter((version, i) => version !== versions[i - 1]);
      expect(changes).toEqual([1, 2, 1, 2]);
    },
    LIMIT_MS,
  );
});
