import { expect, test } from 'vitest';
import { SOAKED, type SoakSample } from './soak.ts';
import { growthOf } from './soak-figures.ts';

const MB = 1_000_000;

/** Half an hour, a sample every 30 s. */
function series(warehouseMb: (minute: number) => number): readonly SoakSample[] {
  const all = (value: number) => Object.fromEntries(SOAKED.map((name) => [name, value])) as SoakSample['cores'];
  return Array.from({ length: 60 }, (_, i) => {
    const minute = (i + 1) / 2;
    const memoryBytes = { ...all(100 * MB), 'warehouse worker': warehouseMb(minute) * MB };
    return { minute, memoryBytes, cores: all(0.1) };
  });
}

test('growth is what the second half added, whatever came before', () => {
  const steady = growthOf(
    series((minute) => Math.min(400, 100 + 50 * minute)),
    'warehouse worker',
  );
  expect(steady.share).toBeCloseTo(0, 6);
  const growing = growthOf(
    series((minute) => 100 + 10 * minute),
    'warehouse worker',
  );
  expect(growing.bytes / MB).toBeCloseTo(145, 6);
  expect(growing.share).toBeCloseTo(145 / 255, 6);
});

test('a single high sample at the end is not taken for growth', () => {
  const { share } = growthOf(
    series((minute) => (minute === 30 ? 500 : 400)),
    'warehouse worker',
  );
  expect(share).toBeLessThan(0.05);
});
