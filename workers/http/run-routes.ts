// The endpoints of runs.

import type { Hono } from 'hono';
import type { ApiBackend } from './backend.ts';
import { emptyRequest, retryRequest, runRequest, runsRequest } from './request.ts';

const RUNS = '/api/runs';

export function addRuns(app: Hono, backend: ApiBackend): void {
  app.get(RUNS, async (c) => c.json(await backend.runs(runsRequest(c))));
  app.post(RUNS, async (c) => c.json(await backend.startRun(await runRequest(c))));
  app.get(`${RUNS}/:id`, async (c) => c.json(await backend.run(c.req.param('id'))));
  app.post(`${RUNS}/:id/cancel`, async (c) => {
    await emptyRequest(c);
    return c.json(await backend.cancelRun(c.req.param('id')));
  });
  app.post(`${RUNS}/:id/retry`, async (c) => {
    const { from } = await retryRequest(c);
    return c.json(await backend.retryRun(c.req.param('id'), from));
  });
}
