import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoFromMicros, laterIso, microsFromIso } from '../../workflows/model/commit-time.ts';

const micros = fc.integer({ min: -2_000_000_000_000_000, max: 8_000_000_000_000_000 });

test('microseconds survive the text form', () => {
  fc.assert(
    fc.property(micros, (value) => {
      expect(microsFromIso(isoFromMicros(value))).toBe(value);
    }),
  );
});

test('effective time never goes back', () => {
  expect(laterIso(null, '2026-01-01T00:00:00.000000Z')).toBe('2026-01-01T00:00:00.000000Z');
  expect(laterIso('2026-01-01T00:00:00.000002Z', '2026-01-01T00:00:00.000001Z')).toBe('2026-01-01T00:00:00.000002Z');
});
