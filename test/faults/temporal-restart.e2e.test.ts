// The Temporal server dies under load and comes back: landing and merging go on after it.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningChild, startChild } from '../../workers/embedded/child.ts';
import { freePorts } from '../../workers/embedded/port.ts';
import { TEMPORAL_CLI } from '../../workers/embedded/program-release.ts';
import { findProgram } from '../../workers/embedded/program-search.ts';
import { prepareTemporal, temporalAddress } from '../../workers/embedded/temporal.ts';
import { freshFolder } from '../support/folder.ts';
import { livePipeline } from '../support/live-pipeline.ts';

const LIMIT_MS = 300_000;

const folder = freshFolder();
let port = 0;
let server: RunningChild;

beforeAll(async () => {
  [port = 0] = await freePorts(1);
  await startServer();
}, 90_000);
// Registered before the pipeline's own end, so it runs after it.
afterAll(async () => {
  await server.stop();
});

const pipeline = livePipeline({ temporalAddress: () => temporalAddress({ port }) });

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'Temporal ended by %s under load comes back and finds everything going on',
  async (signal) => {
    await pipeline.underLoad(async (traffic) => {
      process.kill(server.pid, signal);
      await server.exited;
      const before = traffic.rows;
      await expect.poll(() => traffic.rows, { timeout: 60_000 }).toBeGreaterThan(before + 5_000);
      await startServer();
    });
    for (const role of ['ingest', 'warehouse'] as const) expect(pipeline.worker(role).alive, role).toBe(true);
  },
  LIMIT_MS,
);

async function startServer(): Promise<void> {
  const program = await findProgram(TEMPORAL_CLI, { env: process.env, onFetch: () => undefined });
  server = await startChild(
    await prepareTemporal({ program, folder, port, uiPort: null, logFile: join(folder, 'temporal.log') }),
  );
}
