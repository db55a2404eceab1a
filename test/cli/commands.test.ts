import { describe, expect, test } from 'vitest';
import { run } from '../../workers/cli/main.ts';
import type { AssetStatus, GraphView, PipelineStatus, VerifyReport } from '../../workers/http/backend.ts';

import { WalflowError } from '../../workflows/model/errors.ts';
import { fakeTerminal } from './fake-terminal.ts';

const SINCE = '2026-11-24T17:00:00.000000Z';

const SHOP: PipelineStatus = {
  name: 'shop',
  state: 'streaming',
  slot: { name: 'walflow_shop', active: true, walStatus: 'reserved', lagBytes: 12_345, retainedBytes: 16_777_216 },
  durableLsn: '000000000195a2b8',
  mergedLsn: '000000000195a2b8',
  seq: 42,
  tables: [
    { table: 'public.orders', state: 'live', since: SINCE, rows: 2_000, freshnessAgeSeconds: 0.4 },
    {
      table: 'public.events',
      state: 'paused',
      since: SINCE,
      reason: 'column "x" is new',
      rows: 10,
      freshnessAgeSeconds: 61,
    },
  ],
};

const REVENUE: AssetStatus = {
  key: 'analytics/revenue_by_day',
  kind: 'derived',
  status: 'stale',
  deps: ['shop/public.orders'],
  freshness: { state: 'PASS', ageSeconds: 1.2 },
  partitions: { total: 15, current: 14, missing: 0, stale: 1 },
  checks: [],
};

const EQUAL: VerifyReport = {
  pipeline: 'shop',
  result: 'equal',
  mergedLsn: '000000000195a2b8',
  tables: [
    {
      table: 'public.orders',
      result: 'equal',
      rowsSource: 2_000,
      rowsWarehouse: 2_000,
      keyColumns: ['id'],
      differing: [],
      differingCount: 0,
    },
  ],
};

const DIFFERENT: VerifyReport = {
  ...EQUAL,
  result: 'differs',
  tables: [
    {
      table: 'public.order_items',
      result: 'differs',
      rowsSource: 10,
      rowsWarehouse: 10,
      keyColumns: ['order_id', 'line_no'],
      differing: [
        { key: ['7', '1'], kind: 'missing', columns: [] },
        { key: ['7', '2'], kind: 'extra', columns: [] },
        { key: ['8', '1'], kind: 'different', columns: ['price', 'quantity'] },
      ],
      differingCount: 5,
    },
  ],
};

describe('walflow', () => {
  test('prints its version', async () => {
    const terminal = fakeTerminal();
    expect(await run(['--version'], terminal)).toBe(0);
    expect(terminal.printed).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+/)]);
  });

  test('every command has a description and an example', async () => {
    const top = fakeTerminal();
    await run(['--help'], top);
    const names = [...(top.printed[0] ?? '').matchAll(/^ {2}([a-z]+)(?: \S+)* {2,}\S/gm)].map(([, name]) => name ?? '');
    expect(names).toContain('status');
    for (const name of names) {
      const terminal = fakeTerminal();
      expect(await run([name, '--help'], terminal), name).toBe(0);
      expect(terminal.printed.join('\n'), name).toMatch(
        /Usage: walflow .*\n\n\S.*\n[\s\S]*Examples?:\n {2}\$ (npx )?walflow /,
      );
    }
  });

  test.each([
    [['stats'], "error: unknown command 'stats'. hint: did you mean status. (USAGE_INVALID)"],
    [['query'], "error: missing required argument 'sql'. hint: see `walflow --help`. (USAGE_INVALID)"],
    [['status', '--jsn'], "error: unknown option '--jsn'. hint: did you mean --json. (USAGE_INVALID)"],
    [['status', 'extra'], /too many arguments.*\(USAGE_INVALID\)$/],
    [['query', '--json', '--csv', 'x'], /cannot be used with.*\(USAGE_INVALID\)$/],
    [['status', '--url', 'ftp://x'], /"ftp:\/\/x" is not an http address\. hint: .*\(USAGE_INVALID\)$/],
  ])('wrong use %j is one line and exit code 2', async (argv, line) => {
    const terminal = fakeTerminal();
    expect(await run(argv, terminal)).toBe(2);
    expect(terminal.complaints).toEqual([typeof line === 'string' ? line : expect.stringMatching(line)]);
  });

  test('says how to start one when no walflow answers', async () => {
    const terminal = fakeTerminal();
    expect(await run(['status', '--url', 'http://127.0.0.1:1/'], terminal)).toBe(1);
    expect(terminal.complaints[0]).toMatch(
      /no walflow answers at http:\/\/127\.0\.0\.1:1\. hint: .*npx walflow dev.*--url/,
    );
  });

  test('prints code, message and hint the API sent', async () => {
    const error = { code: 'LSN_INVALID', message: 'what happened', hint: 'what to do' };
    const terminal = fakeTerminal({ answers: { '/api/query': Response.json({ error }, { status: 400 }) } });
    expect(await run(['query', 'select 1'], terminal)).toBe(1);
    expect(terminal.complaints).toEqual(['error: what happened. hint: what to do. (LSN_INVALID)']);
  });

  test('an answer that is no walflow API is named as such', async () => {
    const html = new Response('<html>', { status: 200 });
    const terminal = fakeTerminal({ answers: { '/api/query': html } });
    expect(await run(['query', 'select 1'], terminal)).toBe(1);
    expect(terminal.complaints[0]).toMatch(/API_ANSWER_INVALID/);
  });

  test('an unexpected failure is INTERNAL, with its stack only at --log-level debug', async () => {
    const broken = () =>
      fakeTerminal({
        answers: { '/api/pipelines': [{}], '/api/assets': [] },
      });
    const quiet = broken();
    expect(await run(['status'], quiet)).toBe(1);
    expect(quiet.complaints[0]).toMatch(/\(INTERNAL\)/);
    expect(quiet.complaints[0]).not.toMatch(/ {4}at /);
    const debug = broken();
    await run(['--log-level', 'debug', 'status'], debug);
    expect(debug.complaints[0]).toMatch(/ {4}at /);
  });

  test('sends the token of --token, else of WALFLOW_TOKEN, to --url, else WALFLOW_URL', async () => {
    const answers = { '/api/pipelines': [], '/api/assets': [] };
    const byFlag = fakeTerminal({ answers });
    await run(['status', '--token', 'secret'], byFlag);
    expect(byFlag.requests[0]?.authorization).toBe('Bearer secret');
    const byEnv = fakeTerminal({ answers, env: { WALFLOW_TOKEN: 'other' } });
    await run(['status'], byEnv);
    expect(byEnv.requests[0]?.authorization).toBe('Bearer other');
  });
});

describe('walflow status', () => {
  const answers = { '/api/pipelines': [SHOP], '/api/assets': [REVENUE] };

  test('shows pipelines, tables and assets', async () => {
    const terminal = fakeTerminal({ answers });
    expect(await run(['status'], terminal)).toBe(0);
    const text = terminal.printed[0] ?? '';
    expect(text).toMatch(
      /shop +streaming +1 of 2 live, 1 paused +walflow_shop \(active, reserved\) +12 kB +17 MB +0\/195A2B8 +42/,
    );
    expect(text).toMatch(/shop\/public\.orders +live +2,000 +400 ms/);
    expect(text).toMatch(/shop\/public\.events +paused +10/);
    expect(text).toMatch(/^shop\/public\.events: column "x" is new$/m);
    expect(text).toMatch(/analytics\/revenue_by_day +PASS +1\.2 s +14 of 15 +never/);
  });

  test('--json prints both lists as they came', async () => {
    const terminal = fakeTerminal({ answers });
    await run(['status', '--json'], terminal);
    expect(JSON.parse(terminal.printed[0] ?? '')).toEqual({ pipelines: [SHOP], assets: [REVENUE] });
  });

  test('--watch repeats until it is told to stop, and that is no failure', async () => {
    const stop = new AbortController();
    const terminal = fakeTerminal({ answers, signal: stop.signal });
    const running = run(['status', '--watch'], terminal);
    await expect.poll(() => terminal.printed.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
    stop.abort();
    expect(await running).toBe(0);
    expect(terminal.complaints).toEqual([]);
  });
});

describe('walflow query', () => {
  const result = {
    columns: [
      { name: 'id', type: 'BIGINT' },
      { name: 'note', type: 'VARCHAR' },
    ],
    rows: [
      [1, null],
      ['9007199254740993', 'a,b'],
      [3, { k: [1] }],
    ],
  };
  const answers = { '/api/query': result };

  test('sends the statement and prints an aligned table', async () => {
    const terminal = fakeTerminal({ answers });
    expect(await run(['query', 'select 1'], terminal)).toBe(0);
    expect(terminal.requests[0]).toMatchObject({ method: 'POST', body: { sql: 'select 1' } });
    expect(terminal.printed[0]?.split('\n')).toEqual([
      '              id  note',
      '────────────────  ─────────',
      '               1  NULL',
      '9007199254740993  a,b',
      '               3  {"k":[1]}',
    ]);
    expect(terminal.printed[1]).toBe('3 rows');
  });

  test('--csv and --json print nothing else', async () => {
    const asCsv = fakeTerminal({ answers });
    await run(['query', '--csv', 'select 1'], asCsv);
    expect(asCsv.printed).toEqual(['id,note\n1,\n9007199254740993,"a,b"\n3,"{""k"":[1]}"']);
    const asJson = fakeTerminal({ answers });
    await run(['query', '--json', 'select 1'], asJson);
    expect(asJson.printed.map((text) => JSON.parse(text) as unknown)).toEqual([result]);
  });
});

describe('walflow verify', () => {
  const path = '/api/pipelines/shop/verify';

  test('exits 0 when every table is equal', async () => {
    const terminal = fakeTerminal({ answers: { [path]: EQUAL } });
    expect(await run(['verify', 'shop'], terminal)).toBe(0);
    expect(terminal.printed[0]).toBe('public.orders: equal, 2,000 rows\nshop: equal by value (merged to 0/195A2B8)');
  });

  test('exits 1 and names the keys that differ', async () => {
    const terminal = fakeTerminal({ answers: { [path]: DIFFERENT } });
    expect(await run(['verify', 'shop', '--table', 'public.order_items'], terminal)).toBe(1);
    expect(terminal.requests[0]?.body).toEqual({ table: 'public.order_items' });
    expect(terminal.printed[0]?.split('\n')).toEqual([
      'public.order_items: 5 keys differ (10 rows in the source, 10 in the warehouse a moment later)',
      '  order_id="7", line_no="1": only in the source',
      '  order_id="7", line_no="2": only in the warehouse',
      '  order_id="8", line_no="1": differs in price, quantity',
      '  … and 2 more',
      'shop: DIFFERS (merged to 0/195A2B8)',
    ]);
  });

  test('exits 2 when it could not compare, whatever the reason', async () => {
    expect(await run(['verify', 'shop'], fakeTerminal())).toBe(2);
    const partly = fakeTerminal({ answers: { [path]: { ...EQUAL, result: 'not-comparable' } } });
    expect(await run(['verify', 'shop'], partly)).toBe(2);
  });
});

describe('walflow assets and graph', () => {
  const orders: AssetStatus = {
    ...{ key: 'shop/public.orders', kind: 'captured', status: 'current', deps: ['shop/lake'], checks: [] },
    freshness: { state: 'UNKNOWN', ageSeconds: null },
  };
  const graph: GraphView = {
    nodes: [orders, REVENUE],
    edges: [{ from: orders.key, to: REVENUE.key, mapping: 'daily by created_at' }],
  };

  test('list what is selected', async () => {
    const terminal = fakeTerminal({ answers: { '/api/assets': [orders, REVENUE] } });
    expect(await run(['assets', '+analytics/*'], terminal)).toBe(0);
    expect(terminal.requests[0]?.query).toBe('?select=%2Banalytics%2F*');
    const [, , ...rows] = (terminal.printed[0] ?? '').split('\n').map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ['shop/public.orders', 'captured', 'current', 'UNKNOWN', '–'],
      ['analytics/revenue_by_day', 'derived', 'stale', 'PASS', '1.2 s', '14 of 15'],
    ]);
  });

  test('draw them, as a tree, as Mermaid, as JSON', async () => {
    const drawn = async (...flags: string[]) => {
      const terminal = fakeTerminal({ answers: { '/api/graph': graph } });
      expect(await run(['graph', ...flags], terminal)).toBe(0);
      expect(terminal.requests[0]?.query).toBe('');
      return terminal.printed[0] ?? '';
    };
    expect(await drawn()).toContain('└─ analytics/revenue_by_day (stale)');
    expect(await drawn('--mermaid')).toMatch(/^flowchart LR\n/);
    expect(JSON.parse(await drawn('--json'))).toEqual(graph);
  });

  test.each(['assets', 'graph'])('%s says that nothing matches', async (name) => {
    const terminal = fakeTerminal({ answers: { '/api/assets': [], '/api/graph': { nodes: [], edges: [] } } });
    expect(await run([name, 'status:stale'], terminal)).toBe(0);
    expect(terminal.printed).toEqual(['no asset matches status:stale']);
  });
});

describe('walflow partitions', () => {
  const path = `/api/assets/${encodeURIComponent(REVENUE.key)}/partitions`;
  const found = [{ partition: '2026-11-24', state: 'stale', dueSince: '2026-11-24T17:00:00.000000Z' }];

  test('lists a page of those in one state, and says how to go on', async () => {
    const terminal = fakeTerminal({ answers: { [path]: found } });
    expect(await run(['partitions', REVENUE.key, '--status', 'stale', '--limit', '1'], terminal)).toBe(0);
    expect(terminal.requests[0]?.query).toBe('?limit=1&status=stale');
    const [, , row, more] = (terminal.printed[0] ?? '').split('\n');
    expect(row?.split(/ {2,}/)).toEqual(['2026-11-24', 'stale', '2026-11-24T17:00:00.000000Z']);
    expect(more).toContain("--cursor '2026-11-24'");
  });

  test('as JSON, from a partition on, or none at all', async () => {
    const terminal = fakeTerminal({ answers: { [path]: found } });
    expect(await run(['partitions', REVENUE.key, '--cursor', '2026-11-23', '--json'], terminal)).toBe(0);
    expect(terminal.requests[0]?.query).toBe('?limit=100&cursor=2026-11-23');
    expect(JSON.parse(terminal.printed[0] ?? '')).toEqual(found);
    const empty = fakeTerminal({ answers: { [path]: [] } });
    expect(await run(['partitions', REVENUE.key], empty)).toBe(0);
    expect(empty.printed).toEqual(['no partitions']);
  });

  test.each([
    ['--limit', '0'],
    ['--limit', '1001'],
    ['--status', 'late'],
  ])('refuses %s %s', async (...flags) => {
    expect(await run(['partitions', REVENUE.key, ...flags], fakeTerminal({ answers: { [path]: found } }))).toBe(2);
  });
});

test('walflow checks asks for those of a selection', async () => {
  const terminal = fakeTerminal({ answers: { '/api/checks': [] } });
  expect(await run(['checks', 'group:analytics', '--json'], terminal)).toBe(0);
  expect(terminal.requests[0]?.query).toBe('?select=group%3Aanalytics');
  expect(terminal.printed).toEqual(['[]']);
});

describe('walflow pause and resume', () => {
  test.each(['pause', 'resume'])('%s asks the API and says which run took it', async (name) => {
    const answers = { [`/api/pipelines/shop/${name}`]: { workflowId: 'ingest/shop', runId: 'r' } };
    const terminal = fakeTerminal({ answers });
    expect(await run([name, 'shop'], terminal)).toBe(0);
    expect(terminal.requests[0]?.method).toBe('POST');
    expect(terminal.printed[0]).toContain('ingest/shop');
  });
});

test('walflow resync names the table to the API', async () => {
  const answers = { '/api/pipelines/shop/resync': { workflowId: 'ingest/shop', runId: 'r' } };
  const terminal = fakeTerminal({ answers });
  expect(await run(['resync', 'shop', 'public.orders'], terminal)).toBe(0);
  expect(terminal.requests[0]).toMatchObject({ method: 'POST', body: { table: 'public.orders' } });
  expect(terminal.printed).toEqual(['public.orders gets a new snapshot (ingest/shop)']);
});

describe('walflow drop-detached', () => {
  const path = '/api/pipelines/shop/drop-detached';

  test('names what it dropped', async () => {
    const terminal = fakeTerminal({ answers: { [path]: { dropped: ['public.a', 'public.b'] } } });
    expect(await run(['drop-detached', 'shop', '--table', 'public.a'], terminal)).toBe(0);
    expect(terminal.requests[0]).toMatchObject({ method: 'POST', body: { table: 'public.a' } });
    expect(terminal.printed).toEqual(['dropped: public.a, public.b']);
  });

  test('says when there is nothing to drop', async () => {
    const terminal = fakeTerminal({ answers: { [path]: { dropped: [] } } });
    expect(await run(['drop-detached', 'shop'], terminal)).toBe(0);
    expect(terminal.requests[0]?.body).toEqual({});
    expect(terminal.printed).toEqual(['shop has no detached tables']);
  });
});

test('the error class is what the command line prints', () => {
  expect(new WalflowError('INTERNAL', 'x', { hint: 'y' }).toLine()).toBe('error: x. hint: y. (INTERNAL)');
});
