// What every answer of the HTTP server has: headers that make browsers strict, and failures as JSON.

import type { Hono } from 'hono';
import { WalflowError } from '../../workflows/model/errors.ts';
import { httpFailure } from './failure.ts';

/** Nothing from other origins, nothing inline, no frames: whatever a value contains, it stays text. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Something is busy or out of reach: most is over in a moment, and clients that ask at once only make it longer. */
const RETRY_AFTER_SECONDS = '1';

/** @param onFailure called with every failure that is not the caller's fault (status 500 and above) */
export function answerFailures(app: Hono, onFailure: (failure: unknown) => void): void {
  app.onError((failure, c) => {
    const { status, body } = httpFailure(failure);
    if (status >= 500) onFailure(failure);
    if (status === 503) c.header('retry-after', RETRY_AFTER_SECONDS);
    return c.json(body, status);
  });
  app.notFound((c) => {
    const { status, body } = httpFailure(
      new WalflowError('HTTP_NOT_FOUND', `there is no endpoint ${c.req.method} ${c.req.path}`),
    );
    return c.json(body, status);
  });
  app.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
    c.header('content-security-policy', CONTENT_POLICY);
    c.header('x-content-type-options', 'nosniff');
    c.header('referrer-policy', 'no-referrer');
  });
}
