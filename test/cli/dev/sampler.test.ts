import { expect, test } from 'vitest';
import { StatusSampler } from '../../../workers/cli/dev/sampler.ts';
import type { PipelineStatus } from '../../../workers/http/backend.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';

const SHOP: PipelineStatus = {
  name: 'shop',
  state: 'streaming',
  slot: null,
  durableLsn: '0',
  mergedLsn: '0',
  seq: 1,
  commitToQueryable: { p50Ms: 80, p99Ms: 200 },
  tables: [
    { table: 'public.orders', state: 'live', since: '2026-11-24T17:00:00.000000Z', rows: 5, freshnessAgeSeconds: 0.25 },
  ],
};

function fakeApi() {
  const state = { rows: 0, down: false };
  return {
    state,
    pipelines: async () => {
      if (state.down) throw new WalflowError('API_UNREACHABLE', 'no walflow answers');
      return [SHOP];
    },
    assets: async () => [],
    metrics: async () => `cdc_rows_processed_total{pipeline="shop",role="ingest"} ${state.rows}\n`,
  };
}

test('the rate is rows landed over the last five seconds', async () => {
  const api = fakeApi();
  const sampler = new StatusSampler(api);
  const rateAt = async (nowMs: number, rows: number) => {
    api.state.rows = rows;
    return (await sampler.sample(nowMs)).pipelines[0]?.rowsPerSecond;
  };
  expect(await rateAt(0, 100)).toBe(0);
  expect(await rateAt(1_000, 300)).toBe(200);
  expect(await rateAt(5_000, 1_100)).toBe(200);
  expect(await rateAt(10_000, 1_100)).toBe(0);
  // The worker started again and counts from zero.
  expect(await rateAt(11_000, 0)).toBe(0);
  expect(await rateAt(12_000, 50)).toBe(50);
});

test('ages are milliseconds, and latency is taken as it comes', async () => {
  const { pipelines } = await new StatusSampler(fakeApi()).sample(0);
  expect(pipelines[0]?.tables[0]?.ageMs).toBe(250);
  expect(pipelines[0]?.latency).toEqual({ p50Ms: 80, p99Ms: 200 });
});

test('an API that does not answer leaves the last figures and a note', async () => {
  const api = fakeApi();
  const sampler = new StatusSampler(api);
  await sampler.sample(0);
  api.state.down = true;
  const { pipelines, notes } = await sampler.sample(1_000);
  expect(pipelines).toHaveLength(1);
  expect(notes).toEqual(['no current figures: no walflow answers']);
});
