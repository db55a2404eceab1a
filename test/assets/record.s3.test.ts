// The records of an asset in the lake, as a real store keeps them.

import { afterAll, expect, inject, test } from 'vitest';
import { keepRecords } from '../../activities/assets/record.ts';
import { recordKey } from '../../activities/lake/object-key.ts';
import { S3Lake } from '../../activities/lake/s3/lake.ts';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import { freshKeyPrefix } from '../support/unique.ts';

const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('servers').s3;
const lake = new S3Lake({
  ...{ bucket, prefix: freshKeyPrefix(), endpoint, region },
  credentials: { accessKeyId, secretAccessKey },
});
afterAll(() => lake.close());

const recordOf = (id: string, at: string, partition: string | null): Materialization => ({
  ...{ id, asset: 'analytics/by_day', partition, at, startedAt: at, rows: 1, inputs: [], codeVersion: 'c' },
  ...{ workflowId: 'materialize/x', runId: 'r', attempt: 1 },
});
const kept = async () => {
  const found: Record<string, unknown> = {};
  for await (const { key } of lake.list('records/')) found[key] = JSON.parse(String(await lake.get(key))).id;
  return found;
};

test('a day of runs leaves one record a partition; what a crash kept from the lake comes with the next run', async () => {
  const runs = [1, 2, 3].map((n) => recordOf(`run-${n}`, `2026-02-02T10:00:0${n}.000000Z`, '2026-02-01'));
  for (const run of runs) await keepRecords(lake, [run], runs);
  const [first, second] = ['dt=2026-02-02', 'dt=2026-02-03'].map((day) => `records/${day}/analytics%2Fby_day`);
  expect(await kept()).toEqual({ [`${first}/2026-02-01.json`]: 'run-3' });
  // The run before this one ended without its records.
  const lost = [4, 5].map((n) => recordOf(`run-${n}`, `2026-02-03T00:00:0${n}.000000Z`, `2026-02-0${n}`));
  const last = recordOf('run-6', '2026-02-03T00:00:09.000000Z', '2026-02-05');
  await keepRecords(lake, [last], [last, ...lost.toReversed(), ...runs.toReversed()]);
  const after = {
    ...{ [`${first}/2026-02-01.json`]: 'run-3' },
    ...{ [`${second}/2026-02-04.json`]: 'run-4', [`${second}/2026-02-05.json`]: 'run-6' },
  };
  expect(await kept()).toEqual(after);
  await keepRecords(lake, [], [last, ...lost, ...runs]);
  expect(await kept(), 'and an older record never replaces a newer one').toEqual(after);
});

test('the record of an asset without partitions has a place of its own', () => {
  expect(recordKey(recordOf('a', '2026-02-02T10:00:00.000000Z', null))).toBe(
    'records/dt=2026-02-02/analytics%2Fby_day.json',
  );
});
