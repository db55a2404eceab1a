import { expect, test } from 'vitest';
import { checkFailure } from '../../activities/warehouse/check-failure.ts';

const held = (check: string, partition: string | null, failing: number) => ({
  ...{ check, partition, failing, keys: [{ id: 'secret' }] },
});

test('names asset, checks, partitions and how many rows, and no value of a cell', () => {
  const days = Array.from({ length: 7 }, (_, i) => held('no_negative', `2026-01-0${i + 1}`, i + 1));
  const failure = checkFailure('analytics/by_day', [...days, held('key', '2026-01-01', 2)]);
  expect(failure.code).toBe('ASSET_CHECK_FAILED');
  expect(failure.message).toBe(
    'analytics/by_day was not published where it breaks no_negative (2026-01-01: 1 row, 2026-01-02: 2 rows, ' +
      '2026-01-03: 3 rows, 2026-01-04: 4 rows, 2026-01-05: 5 rows and 2 more partitions); key (2026-01-01: 2 rows)',
  );
});

test('names no partition of an asset without partitions', () => {
  expect(checkFailure('a/b', [held('key', null, 1)]).message).toBe('a/b was not published where it breaks key (1 row)');
});

test('counts partitions that wait for others of a table that is made again', () => {
  const failure = checkFailure('a/b', [held('key', '2026-01-01', 1), held('key', '2026-01-02', 0)]);
  expect(failure.message).toContain('key (2026-01-01: 1 row; 1 other partitions wait, because the table is made again');
});
