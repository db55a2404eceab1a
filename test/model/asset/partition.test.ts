import { expect, test } from 'vitest';
import { instantsOf, LAST_DAY } from '../../../workflows/model/asset/partition.ts';

const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n;

test.each([
  ['2026-11-27', '2026-11-27T00:00Z', '2026-11-28T00:00Z'],
  ['2024-02-29', '2024-02-29T00:00Z', '2024-03-01T00:00Z'],
  ['0001-01-01', '0001-01-01T00:00Z', '0001-01-02T00:00Z'],
  ['9999-12-31', '9999-12-31T00:00Z', '+010000-01-01T00:00Z'],
  ['12000-01-01', '+012000-01-01T00:00Z', '+012000-01-02T00:00Z'],
  [LAST_DAY, '+275760-09-12T00:00Z', '+275760-09-13T00:00Z'],
])('the day %s is the instants from its midnight to the next', (key, from, to) => {
  expect(instantsOf(key)).toEqual({ fromUs: micros(from), toUs: micros(to) });
});

test.each(['', 'eu', '2026-13-01', '2026-11', '-0044-03-15', '2026-11-27T14', '275760-09-14'])(
  '"%s" is not a day',
  (key) => {
    expect(() => instantsOf(key)).toThrow('is not a day');
  },
);
