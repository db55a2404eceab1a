// The HTTP API and the page (docs/api.md): routes over a backend, each guarded and validated.

import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { streamSSE } from 'hono/streaming';
import { WalflowError } from '../../workflows/model/errors.ts';
import { addPage, type PageContext } from '../page/page.ts';
import { answerFailures } from './answer.ts';
import { type ApiBackend, SCHEDULE_OPERATIONS } from './backend.ts';
import { addBackfills } from './backfill-routes.ts';
import { guardOrigin, guardToken, type HttpGuard } from './guard.ts';
import { addProbes } from './probes.ts';
import { QueryAnswers } from './query-answer.ts';
import {
  emptyRequest,
  oneTableRequest,
  pageRequest,
  partitionsRequest,
  queryRequest,
  selectionRequest,
  someTableRequest,
  waitRequest,
} from './request.ts';
import { addRuns } from './run-routes.ts';
import { StatusFeed } from './status-feed.ts';

export interface ApiOptions {
  readonly guard: HttpGuard;
  readonly page: PageContext;
  /** Prometheus text of this process and, in `walflow dev`, of its peers. */
  metrics(): Promise<string>;
  /** Called with failures that are not the caller's fault. */
  onFailure(failure: unknown): void;
  /** Aborted when the server closes, which ends streams. */
  readonly closing: AbortSignal;
}

const MAX_BODY_BYTES = 1_048_576;
const MATERIALIZATIONS = '/materializations';
const PARTITIONS = '/partitions';
const CHECKS = '/checks';
const WHY = '/why';
const ASSETS = '/api/assets/';

export function createApi(backend: ApiBackend, options: ApiOptions): Hono {
  const { guard, closing } = options;
  const app = new Hono();
  const feed = new StatusFeed(backend, closing);
  answerFailures(app, options.onFailure);
  app.use(guardOrigin(guard));
  addProbes(app, guard, { notReady: () => backend.notReady(), metrics: options.metrics });
  app.use('/api/*', guardToken(guard), bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseLarge }));
  addPage(app, feed, options.page);
  addReading(app, backend);
  addOperating(app, backend);
  addRuns(app, backend);
  addBackfills(app, backend);
  app.get('/api/stream', (c) => streamStatus(c, feed, closing));
  return app;
}

function refuseLarge(): never {
  throw new WalflowError('HTTP_TOO_LARGE', `the body is larger than ${MAX_BODY_BYTES} bytes`);
}

function addReading(app: Hono, backend: ApiBackend): void {
  const answers = new QueryAnswers();
  app.get('/api/pipelines', async (c) => c.json(await backend.pipelines()));
  app.get('/api/assets', async (c) => c.json(await backend.assets(selectionRequest(c))));
  app.get('/api/graph', async (c) => c.json(await backend.graph(selectionRequest(c))));
  app.get('/api/checks', async (c) => c.json(await backend.checks(selectionRequest(c))));
  app.get('/api/declarations', async (c) => c.json(await backend.declarations()));
  app.get(`${ASSETS}*`, async (c) => {
    const rest = c.req.path.slice(ASSETS.length);
    if (rest.endsWith(PARTITIONS)) {
      return c.json(await backend.partitions(assetKey(rest.slice(0, -PARTITIONS.length)), partitionsRequest(c)));
    }
    if (rest.endsWith(WHY)) return c.json(await backend.why(assetKey(rest.slice(0, -WHY.length))));
    if (rest.endsWith(CHECKS)) return c.json(await backend.checksOf(assetKey(rest.slice(0, -CHECKS.length))));
    if (!rest.endsWith(MATERIALIZATIONS)) return c.json(await backend.asset(assetKey(rest)));
    const key = assetKey(rest.slice(0, -MATERIALIZATIONS.length));
    return c.json(await backend.materializations(key, pageRequest(c)));
  });
  app.get('/api/schedules', async (c) => c.json(await backend.schedules()));
  app.get('/api/wait', async (c) => {
    const { pipeline, request } = waitRequest(c);
    return c.json(await backend.wait(pipeline, request, c.req.raw.signal));
  });
  app.post('/api/query', async (c) => {
    const { sql, params } = await queryRequest(c);
    const { signal } = c.req.raw;
    const body = await answers.body(await backend.query(sql, params, signal), signal);
    return c.body(body, 200, { 'content-type': 'application/json' });
  });
}

function addOperating(app: Hono, backend: ApiBackend): void {
  app.post('/api/pipelines/:name/pause', async (c) => {
    await emptyRequest(c);
    return c.json(await backend.pausePipeline(c.req.param('name')));
  });
  app.post('/api/pipelines/:name/resume', async (c) => {
    await emptyRequest(c);
    return c.json(await backend.resumePipeline(c.req.param('name')));
  });
  app.post('/api/pipelines/:name/resync', async (c) => {
    const { table } = await oneTableRequest(c);
    return c.json(await backend.resyncTable(c.req.param('name'), table));
  });
  app.post('/api/pipelines/:name/verify', async (c) => {
    const { table } = await someTableRequest(c);
    return c.json(await backend.verify(c.req.param('name'), table, c.req.raw.signal));
  });
  app.post('/api/pipelines/:name/drop-detached', async (c) => {
    const { table } = await someTableRequest(c);
    return c.json(await backend.dropDetached(c.req.param('name'), table));
  });
  for (const operation of SCHEDULE_OPERATIONS) {
    app.post(`/api/schedules/:name/${operation}`, async (c) => {
      await emptyRequest(c);
      return c.json(await backend.operateSchedule(c.req.param('name'), operation));
    });
  }
}

/** Keys contain slashes, which may come as they are or as %2F. */
function assetKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new WalflowError('HTTP_REQUEST_INVALID', 'the asset key is not percent-encoded correctly', { cause });
  }
}

/** Server-sent events, one a second: `status` with {pipelines, assets}, or `failure` with {error}. */
function streamStatus(c: Context, feed: StatusFeed, closing: AbortSignal) {
  return streamSSE(c, async (stream) => {
    while (!stream.aborted && !closing.aborted) {
      const reading = await feed.next();
      const data = reading.tag === 'status' ? reading.status : reading.failure.body;
      await stream.writeSSE({ event: reading.tag, data: JSON.stringify(data) });
    }
  });
}
