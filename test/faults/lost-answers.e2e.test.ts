// Answers of the store that never come, or say "failed" although the object is stored. Ingest goes on, and the log has
// each manifest once.

import { describe, expect, test } from 'vitest';
import { readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';
import { isDataPut, isManifestPut, spoilEvery } from '../support/s3-moment.ts';
import type { S3Exchange, Verdict } from '../support/s3-proxy.ts';

const EVERY = 4;
const MIN_SPOILT = 5;
const LIMIT_MS = 240_000;

type Case = readonly [string, (exchange: S3Exchange) => boolean, Verdict];
const MANIFESTS: readonly Case[] = [
  ['the answer to a stored manifest is lost', isManifestPut, 'drop'],
  ['a stored manifest is answered by 500', isManifestPut, 'fail'],
];
const DATA_FILES: readonly Case[] = [
  ['the answer to a stored data file is lost', isDataPut, 'drop'],
  ['a stored data file is answered by 500', isDataPut, 'fail'],
];

describe.each([
  { where: 'in objects', inlineBytes: 0, formatVersion: 1, cases: [...MANIFESTS, ...DATA_FILES] },
  { where: 'inside manifests', inlineBytes: 1_048_576, formatVersion: 2, cases: MANIFESTS },
])('with change files $where', ({ inlineBytes, formatVersion, cases }) => {
  const pipeline = livePipeline({ lake: `inlineBytes: ${inlineBytes}` });

  test.each(cases)(
    '%s: the same writer goes on, without a duplicate',
    async (_, matches, verdict) => {
      const { rig } = pipeline;
      const seqBefore = (await readLog(rig.prefix, rig.pipeline)).length;
      await pipeline.underLoad(async () => {
        const spoiling = spoilEvery(rig.s3, EVERY, matches, verdict);
        await expect.poll(() => spoiling.spoilt, { timeout: 60_000 }).toBeGreaterThanOrEqual(MIN_SPOILT);
        spoiling.stop();
      });
      const written = (await readLog(rig.prefix, rig.pipeline)).slice(seqBefore);
      expect(new Set(written.map(({ writer }) => writer.nonce)).size, 'writers').toBe(1);
      const versions = written.flatMap((one) => (one.tables.length > 0 ? [one.formatVersion] : []));
      expect([...new Set(versions)]).toEqual([formatVersion]);
    },
    LIMIT_MS,
  );
});
