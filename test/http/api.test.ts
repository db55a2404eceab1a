import { describe, expect, test } from 'vitest';
import type { MaterializationQuery, PartitionQuery } from '../../activities/warehouse/asset-order.ts';
import { StatusFeed } from '../../workers/http/status-feed.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { BACKFILL, fakeBackend, REVENUE, RUN, SHOP } from './fake-backend.ts';
import { runningApi } from './running-api.ts';

const post = (url: string, body?: string) => fetch(url, { method: 'POST', ...(body === undefined ? {} : { body }) });

describe('reading', () => {
  test('pipelines and assets are answered as the backend gives them', async () => {
    const { url } = await runningApi(fakeBackend());
    expect(await (await fetch(`${url}/api/pipelines`)).json()).toEqual([SHOP]);
    expect(await (await fetch(`${url}/api/assets`)).json()).toEqual([REVENUE]);
  });

  test('assets and graph are told the selection, if there is one', async () => {
    const asked: unknown[] = [];
    const graph = { nodes: [{ key: 'a/b', kind: 'derived', status: 'stale' }], edges: [] } as const;
    const backend = fakeBackend({
      assets: async (selection) => {
        asked.push(selection);
        return [];
      },
      graph: async (selection) => {
        asked.push(selection);
        return graph;
      },
    });
    const { url } = await runningApi(backend);
    expect(await (await fetch(`${url}/api/graph`)).json()).toEqual(graph);
    await fetch(`${url}/api/graph?select=${encodeURIComponent('2+a/b and not kind:captured')}`);
    await fetch(`${url}/api/assets?select=group:a`);
    expect(asked).toEqual([undefined, '2+a/b and not kind:captured', 'group:a']);
    expect((await fetch(`${url}/api/graph?select=`)).status).toBe(400);
  });

  test.each(['analytics/revenue_by_day', 'analytics%2Frevenue_by_day'])('an asset is found by %s', async (key) => {
    const { url } = await runningApi(fakeBackend());
    expect(await (await fetch(`${url}/api/assets/${key}`)).json()).toEqual(REVENUE);
  });

  test('runs take status, asset, cause and a page; a request for one names partitions once', async () => {
    const asked: unknown[] = [];
    const tell = async (...args: unknown[]) => {
      asked.push(args);
      return RUN;
    };
    const backend = fakeBackend({
      ...{ startRun: tell, cancelRun: tell, retryRun: tell, run: tell },
      runs: async (query) => {
        asked.push(query);
        return [];
      },
    });
    const { url } = await runningApi(backend);
    const ask = (path: string, body: object) => post(`${url}/api/runs${path}`, JSON.stringify(body));
    await fetch(`${url}/api/runs?status=failed&asset=a%2Fb&cause=manual&limit=5&cursor=r1`);
    await fetch(`${url}/api/runs/r1`);
    await ask('', { select: 'a/b', from: '2026-01-01' });
    await ask('/r1/cancel', {});
    await ask('/r1/retry', {});
    expect(asked).toEqual([
      { status: 'failed', asset: 'a/b', cause: 'manual', limit: 5, cursor: 'r1' },
      ['r1'],
      [{ select: 'a/b', from: '2026-01-01' }],
      ['r1'],
      ['r1', 'failure'],
    ]);
    const refused = [
      await fetch(`${url}/api/runs?status=odd`),
      await ask('', { select: 'a/b', partition: 'x', to: 'y' }),
      await ask('/r1/retry', { from: 'start' }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 400]);
  });

  test('materializations take partition, limit and cursor, and default to a page of 100', async () => {
    const asked: unknown[] = [];
    const backend = fakeBackend({
      materializations: async (key: string, filter: MaterializationQuery) => {
        asked.push([key, filter]);
        return [];
      },
    });
    const { url } = await runningApi(backend);
    const base = `${url}/api/assets/analytics/revenue_by_day/materializations`;
    expect(await (await fetch(base)).json()).toEqual([]);
    await fetch(`${base}?partition=2026-11-24&limit=2&cursor=m7`);
    expect(asked).toEqual([
      [REVENUE.key, { limit: 100 }],
      [REVENUE.key, { limit: 2, partition: '2026-11-24', cursor: 'm7' }],
    ]);
    expect((await fetch(`${base}?limit=0`)).status).toBe(400);
  });

  test('partitions take status, limit and cursor, and no other state', async () => {
    const asked: unknown[] = [];
    const found = [{ partition: '2026-11-24', state: 'stale', dueSince: '2026-11-24T17:00:00.000000Z' }] as const;
    const backend = fakeBackend({
      partitions: async (key: string, query: PartitionQuery) => {
        asked.push([key, query]);
        return found;
      },
    });
    const { url } = await runningApi(backend);
    const base = `${url}/api/assets/analytics%2Frevenue_by_day/partitions`;
    expect(await (await fetch(base)).json()).toEqual(found);
    await fetch(`${base}?status=stale&limit=2&cursor=2026-11-23`);
    expect(asked).toEqual([
      [REVENUE.key, { limit: 100 }],
      [REVENUE.key, { limit: 2, state: 'stale', cursor: '2026-11-23' }],
    ]);
    expect((await fetch(`${base}?status=late`)).status).toBe(400);
  });

  test('checks are those of all, of a selection, or of one asset', async () => {
    const asked: unknown[] = [];
    const noted = async (what: unknown) => {
      asked.push(what);
      return [];
    };
    const { url } = await runningApi(fakeBackend({ checks: noted, checksOf: noted }));
    expect(await (await fetch(`${url}/api/checks`)).json()).toEqual([]);
    await fetch(`${url}/api/checks?select=group:a`);
    await fetch(`${url}/api/assets/analytics/revenue_by_day/checks`);
    expect(asked).toEqual([undefined, 'group:a', REVENUE.key]);
  });

  test('a backfill is started, shown, controlled; what does not fit is refused', async () => {
    const asked: unknown[] = [];
    const backend = fakeBackend({
      startBackfill: async (request) => {
        asked.push(request);
        return { id: null, assets: [] };
      },
      controlBackfill: async (...args) => {
        asked.push(args);
        return BACKFILL;
      },
    });
    const { url } = await runningApi(backend);
    const base = `${url}/api/backfills`;
    const order = { select: 'a/*', from: '2026-01-01', only: 'stale', chunk: 7 };
    expect(await (await post(base, JSON.stringify(order))).json()).toEqual({ id: null, assets: [] });
    expect(await (await fetch(base)).json()).toEqual([BACKFILL]);
    expect(await (await fetch(`${base}/b1`)).json()).toEqual(BACKFILL);
    expect((await fetch(`${base}/b2`)).status).toBe(404);
    expect((await post(`${base}/b1/cancel`, '')).status).toBe(200);
    expect(asked).toEqual([{ ...order, dryRun: false }, ['b1', 'cancel']]);
    for (const wrong of [{ ...order, chunk: 0 }, { ...order, only: 'failed' }, { from: '2026-01-01' }]) {
      expect((await post(base, JSON.stringify(wrong))).status).toBe(400);
    }
  });

  test('a query answers columns and rows', async () => {
    const { url } = await runningApi(fakeBackend());
    const response = await post(`${url}/api/query`, JSON.stringify({ sql: 'select 1', params: [1, 'x', null] }));
    expect(await response.json()).toEqual({
      columns: [{ name: 'n', type: 'BIGINT' }],
      rows: [['9007199254740993']],
    });
  });

  test('a query of a client that hung up is told so', async () => {
    let aborted: (() => void) | undefined;
    const abandoned = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    const backend = fakeBackend({
      query: (_sql, _params, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted?.();
            reject(new Error('aborted'));
          });
        }),
    });
    const { url } = await runningApi(backend);
    const client = new AbortController();
    const asking = fetch(`${url}/api/query`, { method: 'POST', body: '{"sql":"select 1"}', signal: client.signal });
    setTimeout(() => client.abort(), 50);
    await expect(asking).rejects.toThrow();
    await abandoned;
  });

  test.each([
    ['A/B2C3', 0xa_0000_b2c3n],
    ['0000000a0000b2c3', 0xa_0000_b2c3n],
  ])('wait takes the position %s', async (text, lsn) => {
    const asked: unknown[] = [];
    const backend = fakeBackend({
      wait: async (...args) => {
        asked.push(args.slice(0, 2));
        return { reached: false, mergedLsn: SHOP.mergedLsn, notLive: ['public.orders'] };
      },
    });
    const { url } = await runningApi(backend);
    const at = `${url}/api/wait?pipeline=shop&lsn=${encodeURIComponent(text)}`;
    const answer = { reached: false, mergedLsn: SHOP.mergedLsn, notLive: ['public.orders'] };
    expect(await (await fetch(at)).json()).toEqual(answer);
    await fetch(`${at}&timeoutMs=5&tables=public.orders,public.events`);
    await fetch(`${at}&timeoutMs=9999999`);
    expect(asked).toEqual([
      ['shop', { lsn, tables: null, timeoutMs: 60_000 }],
      ['shop', { lsn, tables: ['public.orders', 'public.events'], timeoutMs: 5 }],
      ['shop', { lsn, tables: null, timeoutMs: 60_000 }],
    ]);
  });

  test('the stream sends the status again and again, and ends when the server closes', async () => {
    const server = await runningApi(fakeBackend());
    const response = await fetch(`${server.url}/api/stream`);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const first = (await reader?.read())?.value ?? '';
    expect(first).toContain('event: status');
    expect(JSON.parse(first.split('data: ')[1] ?? '')).toEqual({ pipelines: [SHOP], assets: [REVENUE] });
    const closing = server.close();
    while (!(await reader?.read())?.done);
    await closing;
  });

  test('all watchers together cost one reading', async () => {
    let readings = 0;
    const backend = fakeBackend({
      pipelines: async () => {
        readings += 1;
        return [SHOP];
      },
    });
    const feed = new StatusFeed(backend, new AbortController().signal);
    const status = { tag: 'status', status: { pipelines: [SHOP], assets: [REVENUE] } };
    expect(await Promise.all(Array.from({ length: 10 }, () => feed.next()))).toEqual(Array(10).fill(status));
    expect(readings).toBe(1);
  });
});

describe('operating', () => {
  test.each(['pause', 'resume'])('%s answers the run that took the order', async (order) => {
    const { url } = await runningApi(fakeBackend());
    const response = await post(`${url}/api/pipelines/shop/${order}`);
    expect(await response.json()).toEqual({ workflowId: 'ingest/shop', runId: 'r1' });
  });

  test('resync needs a table', async () => {
    const asked: string[] = [];
    const backend = fakeBackend({
      resyncTable: async (pipeline, table) => {
        if (table === 'public.gone') throw new WalflowError('TABLE_UNKNOWN', `${pipeline} has no table ${table}`);
        asked.push(pipeline, table);
        return { workflowId: `ingest/${pipeline}`, runId: 'r1' };
      },
    });
    const { url } = await runningApi(backend);
    expect((await post(`${url}/api/pipelines/shop/resync`)).status).toBe(400);
    expect((await post(`${url}/api/pipelines/shop/resync`, '{"table":"public.gone"}')).status).toBe(404);
    expect((await post(`${url}/api/pipelines/shop/resync`, '{"table":"public.orders"}')).status).toBe(200);
    expect(asked).toEqual(['shop', 'public.orders']);
  });

  test('drop-detached takes a table, or none for all', async () => {
    const asked: (string | undefined)[] = [];
    const backend = fakeBackend({
      dropDetached: async (_pipeline, table) => {
        asked.push(table);
        return { dropped: table === undefined ? ['public.a', 'public.b'] : [table] };
      },
    });
    const { url } = await runningApi(backend);
    const one = await post(`${url}/api/pipelines/shop/drop-detached`, '{"table":"public.a"}');
    expect(await one.json()).toEqual({ dropped: ['public.a'] });
    expect((await post(`${url}/api/pipelines/shop/drop-detached`)).status).toBe(200);
    expect(asked).toEqual(['public.a', undefined]);
  });

  test('verify takes a table', async () => {
    let asked: string | undefined;
    const backend = fakeBackend({
      verify: async (pipeline, table) => {
        asked = table;
        return { pipeline, result: 'equal', mergedLsn: SHOP.mergedLsn, tables: [] };
      },
    });
    const { url } = await runningApi(backend);
    expect((await post(`${url}/api/pipelines/shop/verify`, '{"table":"public.orders"}')).status).toBe(200);
    expect(asked).toBe('public.orders');
  });
});

describe('failures', () => {
  test.each([
    ['GET', '/api/nothing', undefined, 404, 'HTTP_NOT_FOUND'],
    ['GET', '/api/assets/no/such', undefined, 404, 'ASSET_UNKNOWN'],
    ['POST', '/api/pipelines/nope/pause', '{}', 404, 'PIPELINE_UNKNOWN'],
    ['GET', '/api/assets/%zz', undefined, 400, 'HTTP_REQUEST_INVALID'],
    ['GET', '/api/wait?pipeline=shop', undefined, 400, 'HTTP_REQUEST_INVALID'],
    ['GET', '/api/wait?pipeline=shop&lsn=zz', undefined, 400, 'LSN_INVALID'],
    ['POST', '/api/query', '{"sql":', 400, 'HTTP_REQUEST_INVALID'],
    ['POST', '/api/query', '{"sqll":"select 1"}', 400, 'HTTP_REQUEST_INVALID'],
    ['POST', '/api/query', JSON.stringify({ sql: 'x'.repeat(2_000_000) }), 413, 'HTTP_TOO_LARGE'],
  ])('%s %s is answered with its code', async (method, path, body, status, code) => {
    const { url } = await runningApi(fakeBackend());
    const response = await fetch(url + path, { method, ...(body === undefined ? {} : { body }) });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: { code, message: expect.any(String), hint: expect.any(String) },
    });
  });

  test('a failure of the backend keeps its code, message and hint', async () => {
    const backend = fakeBackend({
      query: () => Promise.reject(new WalflowError('TEMPORAL_UNREACHABLE', 'Temporal does not answer at x:1')),
    });
    const { url } = await runningApi(backend);
    const response = await post(`${url}/api/query`, '{"sql":"select 1"}');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.json()).toMatchObject({
      error: { code: 'TEMPORAL_UNREACHABLE', message: 'Temporal does not answer at x:1' },
    });
  });

  test('an unexpected failure is reported inside and says nothing outside', async () => {
    const failures: unknown[] = [];
    const defect = new Error('row 7 holds alice@example.org');
    const { url } = await runningApi(fakeBackend({ assets: () => Promise.reject(defect) }), { failures });
    const response = await fetch(`${url}/api/assets`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('alice');
    expect(failures).toEqual([defect]);
  });
});

test('probes tell alive, ready and figures', async () => {
  const { url } = await runningApi(fakeBackend({ notReady: async () => 'Temporal does not answer' }));
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ alive: true });
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { ready: false, reason: 'Temporal does not answer' }]);
  expect(await (await fetch(`${url}/metrics`)).text()).toBe('walflow_test 1\n');
});
