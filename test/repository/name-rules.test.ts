import { expect, test } from 'vitest';
import { nameViolations, topLevelViolations } from './name-rules.ts';

test.each([
  'workflows/model/column-type.ts',
  'activities/wal/postgres/source.ts',
  'test/wal/postgres/slot.pg.test.ts',
  'examples/shop/walflow.config.ts',
  'workers/cli/bin.js',
  'ops/Dockerfile',
])('%s is a good name', (path) => {
  expect(nameViolations([path])).toEqual([]);
});

test.each([
  'workers/camelCase.ts',
  'workers/snake_case.ts',
  'workers/utils.ts',
  'workers/helpers/lsn.ts',
  'workflows/model/types.ts',
  'test/wal/pgoutput.spec.ts',
])('%s is refused', (path) => {
  expect(nameViolations([path])).toHaveLength(1);
});

test('an unknown entry at the top is told once', () => {
  expect(topLevelViolations(['README.md', 'scratch/a.ts', 'scratch/b.ts'])).toEqual([
    'scratch: not a known top-level entry',
  ]);
});
