import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainStatus, renderStatus, type StatusView } from '../../../workers/cli/dev/status.ts';

const SNAPSHOT: StatusView = {
  project: 'shop',
  upMs: 135_000,
  pipelines: [
    {
      name: 'shop',
      state: 'streaming',
      rowsPerSecond: 203.4,
      lagBytes: 12_345,
      latency: { p50Ms: 84, p99Ms: 191 },
      tables: [
        { table: 'public.customers', state: 'live', rows: 2_594, ageMs: 400 },
        { table: 'public.orders', state: 'loading', rows: 9_981, ageMs: null },
        { table: 'public.order_items', state: 'paused', reason: 'column "x" is new', rows: 25_126, ageMs: 61_000 },
      ],
    },
  ],
  assets: [
    {
      key: 'analytics/revenue_by_day',
      freshness: 'PASS',
      ageMs: 1_200,
      partitions: { total: 15, current: 15, missing: 0, stale: 0 },
    },
  ],
  links: [
    { label: 'page', text: 'http://127.0.0.1:4400' },
    { label: 'query', text: 'npx walflow query "select 1"' },
  ],
  notes: [],
};

describe('renderStatus', () => {
  test('shows rows, lag, latency, tables, assets and links', () => {
    expect(renderStatus(SNAPSHOT, 80).split('\n')).toEqual([
      ' walflow · shop                                                       up 2.3 min',
      '',
      ' ● shop streaming   203 rows/s   lag 12 kB   1 of 3 live, 1 paused',
      '   commit → queryable p50 84 ms, p99 191 ms',
      '',
      ' table                     state              rows    fresh',
      ' public.order_items        paused           25,126     61 s  column "x" is new',
      ' public.orders             loading           9,981        –',
      ' public.customers          live              2,594   400 ms',
      '',
      ' asset                     state           current    fresh',
      ' analytics/revenue_by_day  PASS           15 of 15    1.2 s',
      '',
      ' page   http://127.0.0.1:4400',
      ' query  npx walflow query "select 1"',
    ]);
  });

  test('colours change nothing but the colours', () => {
    const colored = renderStatus(SNAPSHOT, 80, true);
    expect(colored).not.toBe(renderStatus(SNAPSHOT, 80));
    expect(stripVTControlCharacters(colored)).toBe(renderStatus(SNAPSHOT, 80));
  });

  test('no line is wider than the terminal or ends with blanks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 200 }), fc.string({ maxLength: 80 }), (width, reason) => {
        const [pipeline] = SNAPSHOT.pipelines;
        const odd = {
          ...SNAPSHOT,
          pipelines: pipeline === undefined ? [] : [{ ...pipeline, reason }],
          notes: [reason],
        };
        for (const line of renderStatus(odd, width).split('\n')) {
          expect([...line].length).toBeLessThanOrEqual(width);
          expect(line).toBe(line.trimEnd());
        }
      }),
    );
  });

  test('many tables: those in trouble first, the rest counted', () => {
    const tables = Array.from({ length: 30 }, (_, i) => ({ table: `t${i}`, state: 'live', rows: i, ageMs: 1 }));
    const [pipeline] = SNAPSHOT.pipelines;
    if (pipeline === undefined) throw new Error('the view has a pipeline');
    const sick = { table: 'sick', state: 'paused', rows: 1, ageMs: 1 };
    const text = renderStatus({ ...SNAPSHOT, pipelines: [{ ...pipeline, tables: [...tables, sick] }] }, 80);
    expect(text).toContain('… and 19 more: npx walflow status');
    expect(text).toContain('30 of 31 live, 1 paused');
    expect(text.indexOf(' sick ')).toBeLessThan(text.indexOf(' t0 '));
  });
});

test('plainStatus is one line per pipeline and asset', () => {
  expect(plainStatus(SNAPSHOT).split('\n')).toEqual([
    'shop: streaming, 203 rows/s, lag 12 kB, commit → queryable p50 84 ms, p99 191 ms, tables: 1 of 3 live, 1 paused',
    'analytics/revenue_by_day: PASS, age 1.2 s',
  ]);
});
