import { expect, test } from 'vitest';
import { comparison, lineOf, verdictOf } from './figure.ts';

const HIGHER = { better: 'higher', floor: 1.5, aim: 1.7 } as const;
const LOWER = { better: 'lower', floor: 0.7, aim: 0.6 } as const;

test('a figure meets its aim, its floor, or neither, whichever direction is better', () => {
  expect([1.8, 1.6, 1.4].map((value) => verdictOf(HIGHER, value))).toEqual(['aim met', 'floor met', 'BELOW FLOOR']);
  expect([0.5, 0.65, 0.8].map((value) => verdictOf(LOWER, value))).toEqual(['aim met', 'floor met', 'BELOW FLOOR']);
});

test('a line says ratio, spread, both sides and what was promised', () => {
  const figure = comparison({
    ...{ row: 'P1', what: 'log to decoded', unit: 'rows/s', reference: 'pg_recvlogical' },
    ...{ ours: [180_000, 190_000], theirs: [100_000, 100_000], bound: HIGHER },
  });
  expect(lineOf(figure)).toBe(
    'P1   log to decoded: 1.85× (1.80 to 1.90, 2 rounds); 185,000 rows/s, pg_recvlogical 100,000; aim met (floor ≥ 1.5×, aim ≥ 1.7×)',
  );
});

test('a row that was not measured says why', () => {
  expect(lineOf({ tag: 'skipped', row: 'P15', reason: 'no reference' })).toBe('P15  skipped: no reference');
});
