import fc from 'fast-check';
import { expect, test } from 'vitest';
import { between, oneOf, seededRandom } from '../../workers/demo/random.ts';

test('numbers stay in [0, 1) and repeat with the seed', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [a, b] = [seededRandom(seed), seededRandom(seed)];
      for (let i = 0; i < 100; i++) {
        const value = a();
        expect(value).toBe(b());
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(1);
      }
    }),
  );
});

test('picks stay inside their bounds and reach both ends', () => {
  const random = seededRandom(1);
  const picks = new Set(Array.from({ length: 200 }, () => between(random, 3, 5)));
  expect([...picks].sort()).toEqual([3, 4, 5]);
  expect(['a', 'b']).toContain(oneOf(random, ['a', 'b']));
});
