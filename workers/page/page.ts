// The page at /: a static shell without data, and the status as HTML, rendered once a second while the page is open.
// The shell needs no token, it asks for it; everything that shows data is below /api and needs it.

import type { Hono } from 'hono';
import type { StatusFeed } from '../http/status-feed.ts';
import { CLIENT } from './client.ts';
import { shell } from './shell.ts';
import { failureView, statusView, type TemporalUi } from './status-view.ts';
import { STYLE } from './style.ts';

export interface PageContext {
  readonly project: string;
  readonly version: string;
  /** Null = runs are named without a link. */
  readonly temporalUi: TemporalUi | null;
  nowMs(): number;
}

export function addPage(app: Hono, feed: StatusFeed, page: PageContext): void {
  app.get('/', (c) => c.html(shell(page.project, page.version)));
  app.get('/page.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }));
  app.get('/page.js', (c) => c.body(CLIENT, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
  // Answers with the next reading: the page asks again at once, and the feed sets the pace.
  app.get('/api/page', async (c) => {
    const reading = await feed.next();
    if (reading.tag === 'failure') return c.html(failureView(reading.failure.body.error));
    return c.html(statusView(reading.status, page.temporalUi, page.nowMs()));
  });
}
