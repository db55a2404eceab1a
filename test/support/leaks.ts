// Runs around every test file: gives it a temporary folder of its own, and fails it when something is left behind in
// there or in the process.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { leftBehind } from './left-behind.ts';

/** What is closing when the file is done may come to its end. */
const GRACE_MS = 2_000;

const before = process.env.TMPDIR;
const folder = mkdtempSync(join(tmpdir(), 'walflow-test-'));
// PostgreSQL may run as another user, who has to come through here.
chmodSync(folder, 0o1777);
process.env.TMPDIR = folder;

// The first to be registered, so it runs after the file's own.
afterAll(async () => {
  try {
    await vi.waitFor(() => expect(leftBehind(folder), 'left behind by this file').toEqual([]), { timeout: GRACE_MS });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
});
