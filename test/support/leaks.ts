// Runs in every test file: a server still listening or a child process still running when the file is done fails it.
// Connections are not counted: keep-alive pools close theirs when they like.

import { afterAll, expect, vi } from 'vitest';

const LEAKS = new Set(['TCPServerWrap', 'ProcessWrap']);
const GRACE_MS = 2_000;

afterAll(async () => {
  const leaked = () => process.getActiveResourcesInfo().filter((resource) => LEAKS.has(resource));
  await vi.waitFor(() => expect(leaked(), 'left open by this file').toEqual([]), { timeout: GRACE_MS });
});
