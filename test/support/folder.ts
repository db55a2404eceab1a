// A temporary folder for one test file, removed at its end.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Open to other users: PostgreSQL does not run as root and has to come through. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'walflow-test-'));
  chmodSync(folder, 0o755);
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
