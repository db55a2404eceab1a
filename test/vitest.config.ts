// Three projects, one per need: pure tests run at once, DuckDB's beside them, the others wait for the servers of the run.
// The suffix of a test file says what it needs.

import { defineConfig } from 'vitest/config';

const NEEDS_SERVERS = ['pg', 's3', 'temporal', 'e2e'].map((need) => `test/**/*.${need}.test.ts`);
const NEEDS_DUCKDB = ['test/**/*.duckdb.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    setupFiles: ['test/support/leaks.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: ['test/**/*.test.ts'],
          exclude: [...NEEDS_DUCKDB, ...NEEDS_SERVERS],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: { name: 'duckdb', include: NEEDS_DUCKDB, testTimeout: 30_000, hookTimeout: 30_000 },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: NEEDS_SERVERS,
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
