// The endpoints of backfills.

import type { Hono } from 'hono';
import type { ApiBackend } from './backend.ts';
import { backfillRequest, emptyRequest } from './request.ts';

const BACKFILLS = '/api/backfills';

export function addBackfills(app: Hono, backend: ApiBackend): void {
  app.get(BACKFILLS, async (c) => c.json(await backend.backfills()));
  app.post(BACKFILLS, async (c) => c.json(await backend.startBackfill(await backfillRequest(c))));
  app.get(`${BACKFILLS}/:id`, async (c) => c.json(await backend.backfill(c.req.param('id'))));
  for (const control of ['pause', 'resume', 'cancel'] as const) {
    app.post(`${BACKFILLS}/:id/${control}`, async (c) => {
      await emptyRequest(c);
      return c.json(await backend.controlBackfill(c.req.param('id'), control));
    });
  }
}
