// Five minutes of the demo at its 200 rows a second: neither worker may keep what it was given. `npm run bench -- --soak`
// prints the same series over half an hour.

import { expect, test } from 'vitest';
import { type Soaked, type SoakSample, soak } from '../bench/soak.ts';

const MINUTES = 5;
const ROWS_PER_SECOND = 200;
/** From the middle third to the last one. A worker that kept every file it read gained 250 to 330 MB in that time. */
const MAX_GROWTH_MB = 100;

test('the memory of both workers stands still while rows go through them', { timeout: 720_000 }, async ({ signal }) => {
  const samples: SoakSample[] = [];
  for await (const sample of soak({ minutes: MINUTES, rowsPerSecond: ROWS_PER_SECOND }, signal)) samples.push(sample);
  expect(samples.length, 'samples').toBeGreaterThan(20);
  for (const worker of ['warehouse worker', 'ingest worker'] as const) {
    const series = samples.map(({ memoryBytes }) => Math.round(memoryBytes[worker] / 1_000_000));
    expect(growthMb(samples, worker), `growth of the ${worker}, MB: ${series.join(' ')}`).toBeLessThan(MAX_GROWTH_MB);
  }
});

/** Between the lowest values: in between garbage piles up until it is worth collecting. */
function growthMb(samples: readonly SoakSample[], worker: Soaked): number {
  const third = Math.floor(samples.length / 3);
  const lowest = (part: readonly SoakSample[]) => Math.min(...part.map(({ memoryBytes }) => memoryBytes[worker]));
  return (lowest(samples.slice(2 * third)) - lowest(samples.slice(third, 2 * third))) / 1_000_000;
}
