import { expect, test } from 'vitest';
import { nameViolations, testPlaceViolations, topLevelViolations } from './name-rules.ts';

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

test('a test lies where its source lies, or in a folder for the whole', () => {
  const sources = ['workflows/merge.ts', 'activities/wal/lsn.ts', 'workers/cli/dev/run.ts', 'ops/docs.ts'];
  const good = ['readme', 'workflows/merge', 'wal/lsn', 'cli/dev/run', 'ops/docs', 'faults/kill.e2e', 'replay/replay'];
  expect(testPlaceViolations([...sources, ...good.map((name) => `test/${name}.test.ts`)])).toEqual([]);
  expect(testPlaceViolations([...sources, 'test/decode/lsn.test.ts'])).toEqual([
    'test/decode/lsn.test.ts: there is no decode among the sources',
  ]);
  expect(testPlaceViolations(['test/bad-input/lake.s3.test.ts'])).toEqual([
    'test/bad-input/lake.s3.test.ts: a fault is an .e2e. test',
  ]);
});
