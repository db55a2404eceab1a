// walflow's own tables after a year: as small and as fast to read as after a day.

import { describe, expect, test } from 'vitest';
import { foldHistory } from '../../../activities/warehouse/duckdb/history.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { INT, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const DAYS = 365;
const WINDOWS_A_DAY = 1_000;
const RUNS_A_DAY = 300;

/** A window every 86 s that changed two tables, each day from seq 1 on; a year of it up to day `days`. */
const windows = (days: number) => `insert into _walflow.ledger
  select 'year', n, n, n * 10, n * 10 + 10,
    case when n % 3 = 0 then '{}' else '{"a": {"inserts": 1, "updates": 2, "deletes": 0, "loaded": 0},
      "b": {"inserts": 0, "updates": 0, "deletes": 3, "loaded": 0}}' end,
    'merge/year', 'run-1', 1, moment, moment
  from (select i + 1 as n, timestamptz '2025-01-01 00:00:00Z' + i * interval '86.4 seconds' as moment
    from range(${days * WINDOWS_A_DAY}) r(i))`;
/** A run every five minutes, by turns of three partitions. */
const runs = (days: number) => `insert into _walflow.materializations
  select i + 1, 'id-' || i, 'year/by_day', '2025-01-0' || (1 + i % 3), moment, moment, i,
    false, json_array({'asset': 'year/a', 'lsnTo': printf('%016x', i * 10 + 10), 'seqTo': i + 1, 'seqFrom': i, 'lsnFrom': printf('%016x', i * 10)}),
    case when i = 297 then '[{"name": "some", "state": "warned"}]' else '[]' end, 'code', 'materialize/year', 'run', 1
  from (select i, timestamptz '2025-01-01 00:00:00Z' + i * interval '288 seconds' as moment from range(${days * RUNS_A_DAY}) r(i))`;
/** An input that every window touches, as a whole and two partitions of it. */
const touches = (days: number) => `insert into _walflow.touched
  select 'year/a', 'place', [null, '2025-01-01', '2025-01-02'][1 + i % 3], i, timestamptz '2025-01-01 00:00:00Z' + i * interval '86.4 seconds'
  from range(${days * WINDOWS_A_DAY}) r(i)`;

const warehouse = TestWarehouse.forFile();
const young = TestWarehouse.forFile();
const count = async (table: string) => {
  const [row] = await warehouse.rows<{ n: number }>(`select count(*)::INTEGER as n from _walflow.${table}`);
  return row?.n ?? 0;
};

describe('a year of history', { timeout: 120_000 }, () => {
  test('is folded, day by day as it comes', async () => {
    for (const fill of [windows, runs, touches]) await warehouse.rows(fill(DAYS));
    await foldHistory(warehouse.owner);
    const sizes = [await count('ledger'), await count('materializations'), await count('touched')];
    // Twenty days stay whole, and three and a bit; the day that is cut has a summary and whole rows.
    expect(sizes).toEqual([20_000 + DAYS - 20, 1_000 + (DAYS - 3) * 3, 3]);
    await foldHistory(warehouse.owner);
    expect([await count('ledger'), await count('materializations'), await count('touched')]).toEqual(sizes);
  });

  test('the ledger has no gap, and counts every row', async () => {
    const gaps = await warehouse.rows(
      `select seq_from from (select *, lag(seq_to) over (order by seq_to) as last, lag(lsn_to) over (order by seq_to) as lsn
         from _walflow.ledger) where seq_from <> last + 1 or lsn_from <> lsn`,
    );
    expect(gaps).toEqual([]);
    const windowsThatChanged = DAYS * WINDOWS_A_DAY - Math.floor((DAYS * WINDOWS_A_DAY) / 3);
    const totals = await warehouse.rows(
      `select key as "table", sum((value->>'inserts')::INT)::INT as inserts, sum((value->>'updates')::INT)::INT as updates,
         sum((value->>'deletes')::INT)::INT as deletes from _walflow.ledger, json_each(rows) group by 1 order by 1`,
    );
    expect(totals).toEqual([
      { table: 'a', inserts: windowsThatChanged, updates: 2 * windowsThatChanged, deletes: 0 },
      { table: 'b', inserts: 0, updates: 0, deletes: 3 * windowsThatChanged },
    ]);
    const newest = await warehouse.port.ledger('year', 5);
    expect(newest.map(({ seqTo }) => seqTo).at(0)).toBe(DAYS * WINDOWS_A_DAY);
  });

  test('the newest record of a partition stays, and records span what they replace', async () => {
    const all = await warehouse.port.materializations('year/by_day', { limit: 10_000 });
    expect(all[0]).toMatchObject({ id: `id-${DAYS * RUNS_A_DAY - 1}`, rows: DAYS * RUNS_A_DAY - 1 });
    const oldest = all.filter(({ partition }) => partition === '2025-01-01').at(-1);
    // The first day's runs 0, 3, …, 297.
    expect(oldest).toMatchObject({ id: 'id-297', rows: 297, startedAt: '2025-01-01T00:00:00.000000Z' });
    expect(oldest?.inputs).toEqual([
      {
        asset: 'year/a',
        seqFrom: 0,
        lsnFrom: '0'.repeat(16),
        seqTo: 298,
        lsnTo: (2980).toString(16).padStart(16, '0'),
      },
    ]);
  });

  test('what is folded has the greatest number, since the first touch', async () => {
    const [touched] = await warehouse.rows(
      `select seq::INT as seq, touched_at = timestamptz '2025-01-01 00:00:00Z' as first from _walflow.touched
       where source = 'year/a' and partition is null`,
    );
    expect(touched).toEqual({ seq: DAYS * WINDOWS_A_DAY - 2, first: true });
  });

  test('status, merge and start are as fast as with a day', async () => {
    for (const fill of [windows, runs, touches]) await young.rows(fill(1));
    const [year, day] = [await asked(warehouse), await asked(young)];
    for (const what of ['status', 'merge', 'start'] as const) {
      const [yearMs, dayMs] = await fastest(year[what], day[what]);
      // Without folding, status takes five times as long.
      expect(yearMs, what).toBeLessThan(3 * dayMs + 20);
    }
  });
});

test('of what was touched in the last minutes there is one row a minute', async () => {
  for (let i = 0; i < 6; i += 1) {
    await warehouse.rows(`insert into _walflow.touched
      select 'recent', 'place', 'k', ${i}, date_trunc('minute', now()) - interval ${1 + (i % 3)} minutes`);
  }
  await foldHistory(warehouse.owner);
  expect(
    await warehouse.rows(`select seq::INT as seq from _walflow.touched where source = 'recent' order by 1`),
  ).toEqual([...[{ seq: 3 }, { seq: 4 }, { seq: 5 }]]);
});

test('a thousand merges fold by themselves', async () => {
  await warehouse.rows(touches(1));
  const before = await count('touched');
  for (let i = 0; i < 1_001; i += 1) await warehouse.port.tidyBetweenMerges();
  expect(await count('touched')).toBe(before - WINDOWS_A_DAY);
});

test('fifty merges fold what they touched once that is a lot, and not before', async () => {
  const storm = (rows: number) => `insert into _walflow.touched
    select 'storm', 'place', (i % 100)::VARCHAR, i, now() - interval 1 hour from range(${rows}) r(i)`;
  const fifty = async () => {
    for (let i = 0; i < 50; i += 1) await warehouse.port.tidyBetweenMerges();
    return await count(`touched where source = 'storm'`);
  };
  // The thousand merges are over with this one.
  await warehouse.port.tidyBetweenMerges();
  await warehouse.rows(storm(1_000));
  expect(await fifty()).toBe(1_000);
  await warehouse.rows(storm(60_000));
  expect(await fifty()).toBe(100);
});

/** What is asked all the time, or waited for. */
async function asked(lab: TestWarehouse) {
  const entry = testEntry('speed.orders', { id: INT, placed: TIMESTAMPTZ }, ['id']);
  await lab.goLive('speed', 100, entry, [{ id: '1', placed: NOW }]);
  const asset: AssetDefinition = { key: 'year/by_day', deps: ['speed/speed.orders'], sql: 'from {speed/speed.orders}' };
  const { derived } = buildAssetGraph([asset], new Set(['speed']));
  await lab.port.declareAssets(derived, NOW);
  let lsn = 100;
  return {
    status: () =>
      Promise.all([
        ...[lab.port.ledger('year', 20), lab.port.assetFigures(derived), lab.port.tables('year')],
        lab.port.dueAssets(derived),
      ]),
    merge: () => {
      lsn += 10;
      return lab.merge('speed', lsn, {});
    },
    start: async () => {
      await lab.close();
      await lab.open();
    },
  };
}

/** Milliseconds of both, taken by turns: what else the machine does then meets both. */
async function fastest(...works: readonly [() => Promise<unknown>, () => Promise<unknown>]): Promise<[number, number]> {
  const times: [number, number] = [Infinity, Infinity];
  for (let round = 0; round < 7; round += 1) {
    for (const i of [0, 1] as const) {
      const from = performance.now();
      await works[i]();
      times[i] = Math.min(times[i], performance.now() - from);
    }
  }
  return times;
}

test('the newest 20,000 runs stay, and each that has not ended', async () => {
  const runs = (ended: boolean, first: number, last: number) => `insert into _walflow.runs
    select 'r' || i, '{"kind": "automation"}', 'succeeded', timestamptz '2025-01-01 00:00:00Z' + i * interval '1 minute',
      case when ${ended} then now() end from range(${first}, ${last}) r(i)`;
  const steps = `insert into _walflow.steps (run, no, asset, scope, after_steps, follows, code_version, planned, status,
    partitions, unchanged, rows, attempt) select id, 0, 'a', 'due', [], false, 'c', 0, 'queued', 0, 0, 0, 0 from _walflow.runs`;
  for (const fill of [runs(false, 0, 3), runs(true, 3, 20_010), steps]) await young.rows(fill);
  await foldHistory(young.owner);
  const left = await young.rows(
    `select count(*)::INT as runs, count(*) filter (ended_at is null)::INT as live, (select count(*)::INT from _walflow.steps) as steps,
       min(id) filter (ended_at is not null and length(id) = 2) as oldest from _walflow.runs`,
  );
  expect(left).toEqual([{ runs: 20_003, live: 3, steps: 20_003, oldest: null }]);
});
