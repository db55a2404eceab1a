// Ticks of schedules over a real warehouse: what a tick handles and the run that does it are one transaction.

import { describe, expect, test } from 'vitest';
import { planTick } from '../../../activities/schedule.ts';
import type { TickInput } from '../../../workflows/model/asset/schedule.ts';
import { order, RunLab } from './run-lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const at = (day: number) => Date.UTC(2026, 0, day, 7);
const HANDLED = '2026-01-07T07:00:00.000000Z';
let ids = 0;

/** Two days' worth of rows in an asset by day, and a count of them. */
async function labWith(name: string) {
  const it = new RunLab(warehouse);
  await it.declare(it.byDay('days'), it.above('count', 'days'));
  await it.load('2026-01-05', '2026-01-06');
  const input = (day: number, more: Partial<TickInput> = {}): TickInput => ({
    ...{ id: `20260107T070000-${++ids}`, name, cron: '0 7 * * *', timezone: 'UTC', materialize: `${it.key('*')}` },
    ...{ nominalMs: at(day), nowMs: at(day), ...more },
  });
  const tick = (day: number, more: Partial<TickInput> = {}) =>
    planTick({ graph: it.graph, warehouse: warehouse.port }, input(day, more));
  return { it, tick };
}

const handledOf = async (name: string) => (await warehouse.port.handledTimes()).get(name);
const runsOf = async (name: string) => {
  const runs = await warehouse.port.runs({ cause: 'schedule', limit: 100 });
  return runs.filter(({ cause }) => cause.kind === 'schedule' && cause.name === name);
};

describe('a tick', () => {
  test('runs the partitions that ended, also if they are current, and the others as a whole', async () => {
    const { it, tick } = await labWith('runs');
    await it.settle();
    const run = await tick(7);
    expect(run).toMatchObject({
      cause: { kind: 'schedule', name: 'runs', at: '2026-01-07T07:00:00.000Z' },
      steps: [
        { asset: it.key('days'), after: [] },
        { asset: it.key('count'), after: [0] },
      ],
    });
    expect(await warehouse.rows(`select partition from _walflow.planned order by 1`)).toEqual([
      ...[{ partition: '2026-01-06' }, { partition: null }],
    ]);
    if (run !== null) expect(await it.play(run)).toBe('succeeded');
    expect(await warehouse.port.run(run?.id ?? '')).toMatchObject({
      status: 'succeeded',
      steps: [
        { planned: 1, partitions: 1, status: 'unchanged' },
        { planned: 1, partitions: 1, status: 'unchanged' },
      ],
    });
    expect(await handledOf('runs')).toBe(HANDLED);
  });

  test('is the same run when its activity is repeated, and nothing when it comes again', async () => {
    const { tick } = await labWith('again');
    const first = await tick(7, { id: 'one' });
    await warehouse.close();
    await warehouse.open();
    expect(await tick(7, { id: 'one' })).toEqual(first);
    expect(await tick(7)).toBeNull();
    expect(await tick(6), 'an earlier one, late').toBeNull();
    expect(await runsOf('again')).toHaveLength(1);
  });

  test('is one run when two come at once', async () => {
    const { tick } = await labWith('twice');
    const both = await Promise.all([tick(7), tick(7)]);
    expect(both.filter((run) => run !== null)).toHaveLength(1);
  });

  test('takes over what ticks before it left', async () => {
    const { it, tick } = await labWith('gap');
    await it.change(order(7, '2026-01-07'), order(8, '2026-01-08'));
    await tick(6);
    const run = await tick(9);
    const listed = await warehouse.rows(
      `select partition from _walflow.planned where run = '${run?.id}' and partition is not null order by 1`,
    );
    expect(listed.map(({ partition }) => partition)).toEqual(['2026-01-06', '2026-01-07', '2026-01-08']);
  });

  test('handles its time also when nothing has ended', async () => {
    const { it, tick } = await labWith('quiet');
    const hours = { cron: '0 * * * *', materialize: it.key('days') };
    expect(await tick(7, hours)).toBeNull();
    expect(await handledOf('quiet')).toBe(HANDLED);
    expect(await runsOf('quiet')).toEqual([]);
  });

  test('that somebody triggers leaves the next one its work', async () => {
    const { tick } = await labWith('hand');
    await tick(7);
    const later = { nominalMs: at(7) + 3_600_123, nowMs: at(7) + 3_600_123 };
    expect(await tick(7, later)).not.toBeNull();
    expect(await handledOf('hand')).toBe(HANDLED);
    expect(await tick(8)).not.toBeNull();
  });

  test('that fails handles nothing: neither the time nor the run is there', async () => {
    const { it, tick } = await labWith('fails');
    const broken = { id: 'broken', schedule: 'fails', cause: { kind: 'manual' } as const, nowMs: at(7) };
    const asset = { ...it.of('count'), key: `${'x'.repeat(3)}\u0000` };
    const plan = () => ({ steps: [{ asset, scope: 'listed' as const }], handledMs: at(7) });
    await expect(warehouse.port.planTick({ ...broken, plan })).rejects.toThrow();
    expect(await handledOf('fails')).toBeUndefined();
    expect(await warehouse.port.run('broken')).toBeNull();
    await expect(tick(7, { materialize: it.key('gone') })).rejects.toMatchObject({ code: 'ASSET_UNKNOWN' });
    await expect(tick(7, { materialize: 'tag:none' })).rejects.toMatchObject({ code: 'ASSET_UNKNOWN' });
    expect(await handledOf('fails')).toBeUndefined();
    expect(await tick(7), 'the next attempt').not.toBeNull();
  });
});
