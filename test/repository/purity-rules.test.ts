import { expect, test } from 'vitest';
import { builtinViolations, globalViolations, timerViolations } from './purity-rules.ts';
import { parseSourceModule } from './source-module.ts';

const globals = (path: string, text: string) => globalViolations([parseSourceModule(path, text)]);
const builtins = (path: string, text: string) => builtinViolations([parseSourceModule(path, text)]);

test.each([
  'Date.now();',
  'new Date();',
  'Math.random();',
  'performance.now();',
  'crypto.randomUUID();',
  'setTimeout(f, 1);',
  'const later = setInterval;',
])('%s is refused in a pure file', (text) => {
  expect(globals('activities/wal/transaction.ts', text)).toHaveLength(1);
  expect(globals('workflows/model/lsn.ts', text)).toHaveLength(1);
});

test('a file named after a system has a clock', () => {
  expect(globals('activities/wal/postgres/stream.ts', 'Date.now(); setTimeout(f, 1);')).toEqual([]);
});

test('a header that says Pure is a promise', () => {
  const file = 'activities/landing/backlog.ts';
  expect(globals(file, '// Positions in, ages out. Pure.\n\nDate.now();')).toHaveLength(1);
  expect(builtins(file, "// Pure.\n\nimport 'node:fs';")).toHaveLength(1);
  expect(globals(file, '// Measures the slot.\n\nDate.now();')).toEqual([]);
});

test('SQL is pure text, also in the folder of its engine', () => {
  expect(globals('activities/warehouse/duckdb/merge/fold-sql.ts', 'Date.now();')).toHaveLength(1);
  expect(globals('activities/warehouse/duckdb/client.ts', 'Date.now();')).toEqual([]);
});

test('a date made from a number is pure', () => {
  expect(
    globals('activities/wal/transaction.ts', 'new Date(ms).toISOString(); Date.parse(text); Math.max(1, 2);'),
  ).toEqual([]);
});

test.each(['process.env.HOME;', 'process.exit(1);', 'const { env } = process;', 'console.log(1);'])(
  '%s is refused outside workers',
  (text) => {
    expect(globals('activities/merge.ts', text)).toHaveLength(1);
    expect(globals('workers/main.ts', text)).toEqual([]);
  },
);

test('a station may ask for its process id', () => {
  expect(globals('activities/lake/s3/lake.ts', 'process.pid; process.memoryUsage();')).toEqual([]);
});

test('a pure file may hash and compress, not read files or wait', () => {
  expect(builtins('activities/lake/parquet/file.ts', "import 'node:zlib'; import 'node:crypto';")).toEqual([]);
  expect(builtins('activities/lake/parquet/file.ts', "import 'node:fs'; import 'node:timers/promises';")).toHaveLength(
    2,
  );
  expect(builtins('activities/lake/s3/lake.ts', "import 'node:fs';")).toEqual([]);
});

test.each([
  ['setTimeout(() => f(), 1);', 1],
  ['setInterval(this.f, 1);', 1],
  ['setImmediate(f);', 1],
  ['setTimeout(safely(f, g), 1);', 0],
  ['await new Promise((resolve) => setTimeout(resolve, 1));', 0],
  ["import { setTimeout as sleep } from 'node:timers/promises'; await sleep(1);", 0],
])('%s', (text, violations) => {
  expect(timerViolations([parseSourceModule('workers/example.ts', text)])).toHaveLength(violations);
});
