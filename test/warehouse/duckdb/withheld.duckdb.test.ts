// What automation does about partitions that a blocking check keeps from being published.

import { expect, test } from 'vitest';
import { check } from '../../../workflows/model/define.ts';
import { order, RunLab } from './run-lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const checks = { no_negative: check({ sql: 'from {this} where total < 0', blocking: true }) };

/** As if the checks had run so much earlier. */
const later = async (seconds: number) => {
  await warehouse.rows(`update _walflow.checks set checked_at = checked_at - interval ${seconds} seconds`);
};

/** One decision and its step; null = nothing is due. */
async function turn(it: RunLab, name: string) {
  it.nowMs = Date.now();
  const { run } = await it.decide();
  if (run === null) return null;
  const { outcome, records } = await it.step(run, name);
  await it.end(run, outcome.status === 'failed' ? 'failed' : 'succeeded');
  return { outcome, days: records.map(({ partition }) => partition) };
}

test('a partition that is not published rests alone, twice as long each time', async () => {
  const it = new RunLab(warehouse);
  await it.declare(it.byDay('by_day', 'sum(total)', { checks }));
  await it.load('2026-01-05', '2026-01-06');
  await it.settle();
  await it.change(order(1, '2026-01-05', -1, 'u'), order(2, '2026-01-06', 20, 'u'));
  const first = await turn(it, 'by_day');
  expect(first?.days).toEqual(['2026-01-06']);
  expect(first?.outcome).toMatchObject({ status: 'failed', reason: 'withheld', partitions: 1 });
  expect(first?.outcome.error).toContain('breaks no_negative (2026-01-05: 1 row). hint: ');
  expect(first?.outcome.error).toContain('(ASSET_CHECK_FAILED)');
  expect(await turn(it, 'by_day')).toBeNull();
  // The others do not wait for it.
  await it.change(order(3, '2026-01-07'));
  expect(await turn(it, 'by_day')).toMatchObject({ days: ['2026-01-07'], outcome: { status: 'succeeded' } });
  await later(61);
  expect((await turn(it, 'by_day'))?.outcome).toMatchObject({ status: 'failed', reason: 'withheld', partitions: 0 });
  await later(61);
  expect(await turn(it, 'by_day')).toBeNull();
  await later(60);
  await it.change(order(1, '2026-01-05', 1, 'u'));
  expect(await turn(it, 'by_day')).toMatchObject({ days: ['2026-01-05'], outcome: { status: 'succeeded' } });
});

test('other code ends its rest', async () => {
  const it = new RunLab(warehouse);
  await it.declare(it.byDay('fixed', 'sum(total)', { checks }));
  await it.load('2026-01-05');
  await it.settle();
  await it.change(order(1, '2026-01-05', -1, 'u'));
  expect((await turn(it, 'fixed'))?.outcome).toMatchObject({ status: 'failed', reason: 'withheld' });
  expect(await turn(it, 'fixed')).toBeNull();
  await it.declare(it.byDay('fixed', 'abs(sum(total))', { checks }));
  expect(await turn(it, 'fixed')).toMatchObject({ days: ['2026-01-05'], outcome: { status: 'succeeded' } });
});

test('an asset without partitions rests as a whole', async () => {
  const it = new RunLab(warehouse);
  const sql = `select -count(*) as total from {${it.orders}}`;
  await it.declare(it.asset('whole', { deps: [it.orders], sql, checks }));
  await it.load('2026-01-05');
  expect((await turn(it, 'whole'))?.outcome).toMatchObject({ status: 'failed', partitions: 0 });
  await it.change(order(2, '2026-01-06'));
  expect(await turn(it, 'whole')).toBeNull();
});

test('a table that waits to be made again rests as a whole', async () => {
  const it = new RunLab(warehouse);
  await it.declare(it.byDay('again', 'sum(total)', { checks }));
  await it.load('2026-01-05', '2026-01-06');
  await it.settle();
  await it.declare(it.byDay('again', '1 as more, sum(total)', { checks }));
  await it.change(order(1, '2026-01-05', -1, 'u'));
  const { outcome } = (await turn(it, 'again')) ?? {};
  expect(outcome).toMatchObject({ status: 'failed', partitions: 0 });
  expect(outcome?.reason).toBeUndefined();
  await it.change(order(3, '2026-01-07'));
  expect(await turn(it, 'again')).toBeNull();
});
