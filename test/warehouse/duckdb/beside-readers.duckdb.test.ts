// Merges beside twenty hostile readers: in one process with one engine, what a reader takes is what a merge lacks.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { change, INT, TEXT, testEntry } from '../change-files.ts';
import { hostileQueries } from '../hostile-queries.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const QUIET_MS = 4_000;
const HOSTILE_MS = 8_000;
const ROWS = 300;
/** Two cores that other tests use too: a merge that was held up took ten seconds. */
const SHARED_MACHINE_MS = 1_500;
const LIMITS = { maxRows: 10_000, maxBytes: 32 * 2 ** 20, timeoutMs: 30_000 };

const entry = testEntry('beside.docs', { id: INT, doc: TEXT, version: INT }, ['id']);
const row = (id: number, version: number) => ({ id: `${id}`, doc: 'd'.repeat(2_000), version: `${version}` });
let lsn = 1_000;

/** How long each merge of a hundred changed rows took, and the most memory that the process had. */
async function merging(ms: number): Promise<{ times: number[]; bytes: number }> {
  const times: number[] = [];
  let bytes = 0;
  const meter = setInterval(() => {
    bytes = Math.max(bytes, process.memoryUsage.rss());
  }, 20);
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; ) {
    lsn += 10;
    const changes = Array.from({ length: 100 }, (_, i) => change('u', lsn, i, row((lsn + i) % ROWS, lsn)));
    const plan = await warehouse.plan('beside', lsn + 5, { tables: [await warehouse.changes(entry, changes)] });
    const startMs = performance.now();
    expect(await warehouse.mergePlan(plan)).toMatchObject({ tag: 'merged', paused: [] });
    times.push(performance.now() - startMs);
    await sleep(20);
  }
  clearInterval(meter);
  return { times, bytes };
}

const percentile = (values: readonly number[], part: number) =>
  [...values].sort((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN;

test('merges take at most twice as long, and the process stays small', { timeout: 120_000 }, async () => {
  await warehouse.goLive(
    'beside',
    100,
    entry,
    Array.from({ length: ROWS }, (_, id) => row(id, 0)),
  );
  const quiet = await merging(QUIET_MS);
  const gone = new AbortController();
  const queries = hostileQueries({ one: 'beside.docs', other: 'beside.docs' }).map((sql) =>
    warehouse.port.query(sql, [], { ...LIMITS, signal: gone.signal }).then(
      () => 'answered',
      ({ code }: { code: string }) => code,
    ),
  );
  const hostile = await merging(HOSTILE_MS);
  gone.abort();
  const codes = await Promise.all(queries);
  expect(
    codes.filter((code) => !['QUERY_TOO_LARGE', 'QUERY_TIMEOUT', 'QUERY_BUSY', 'answered'].includes(code)),
  ).toEqual([]);
  const p99 = percentile(hostile.times, 0.99);
  expect(p99).toBeLessThan(Math.max(2 * percentile(quiet.times, 0.99), SHARED_MACHINE_MS));
  expect(hostile.bytes - quiet.bytes).toBeLessThan(300_000_000);
});
