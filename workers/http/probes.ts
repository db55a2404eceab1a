// The endpoints of every role: is it alive, is it ready, what does it measure. A role without an API serves only these.

import { Hono } from 'hono';
import { answerFailures } from './answer.ts';
import { guardOrigin, guardToken, type HttpGuard } from './guard.ts';

export interface Probes {
  /** Null when everything that this process needs answers, else what does not. */
  notReady(): Promise<string | null>;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Adds /healthz and /readyz (open to supervisors) and /metrics (behind the token). */
export function addProbes(app: Hono, guard: HttpGuard, probes: Probes): void {
  app.get('/healthz', (c) => c.json({ alive: true }));
  app.get('/readyz', async (c) => {
    const reason = await probes.notReady();
    return reason === null ? c.json({ ready: true }) : c.json({ ready: false, reason }, 503);
  });
  app.get('/metrics', guardToken(guard), async (c) =>
    c.body(await probes.metrics(), 200, { 'content-type': METRICS_TYPE }),
  );
}

/** The app of a role without an API, e.g. ingest. */
export function createProbeApp(guard: HttpGuard, probes: Probes, onFailure: (failure: unknown) => void): Hono {
  const app = new Hono();
  answerFailures(app, onFailure);
  app.use(guardOrigin(guard));
  addProbes(app, guard, probes);
  return app;
}
