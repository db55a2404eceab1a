// Four projects. The suffix of a test file says what it needs: pure tests need nothing, DuckDB's its engine, the others the
// servers of the run. The faults are apart by folder: `npm test` leaves them out, `npm run test:faults` runs nothing else.

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const NEEDS_SERVERS = ['pg', 's3', 'temporal', 'e2e'].map((need) => `test/**/*.${need}.test.ts`);
const NEEDS_DUCKDB = ['test/**/*.duckdb.test.ts'];
const FAULTS = ['test/faults/**/*.test.ts', 'test/bad-input/**/*.test.ts'];

/** Most of the time of these files is waiting for other processes, so there may be more of them than processors. */
const FILES_WITH_SERVERS = Math.ceil(availableParallelism() * 1.5);
const NEEDS = {
  globalSetup: ['test/support/global-setup.ts'],
  maxWorkers: FILES_WITH_SERVERS,
  sequence: { groupOrder: 1 },
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

// Test files, workers and commands are Node processes by the hundred: each compiles only what none did before.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/node-compile', import.meta.url));

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: '100%',
    setupFiles: ['test/support/leaks.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: ['test/**/*.test.ts'],
          exclude: [...NEEDS_DUCKDB, ...NEEDS_SERVERS, ...FAULTS],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: { name: 'duckdb', include: NEEDS_DUCKDB, testTimeout: 30_000, hookTimeout: 30_000 },
      },
      { extends: true, test: { name: 'servers', include: NEEDS_SERVERS, exclude: FAULTS, ...NEEDS } },
      { extends: true, test: { name: 'faults', include: FAULTS, ...NEEDS } },
    ],
  },
});
