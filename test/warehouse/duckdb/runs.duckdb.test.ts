// Decisions, runs and steps as the catalog holds them: none is lost or made twice, whatever is killed between two of them.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { order, RunLab } from './run-lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const lab = () => new RunLab(warehouse);
const statusOf = async (id: string) =>
  (await warehouse.port.run(id))?.steps.map(({ status, reason }) => reason ?? status);

/** Only so many runs are live at once, whoever left them. */
afterEach(async () => {
  for (const status of ['queued', 'running'] as const) {
    for (const { id } of await warehouse.port.runs({ status, limit: 100 })) {
      await warehouse.port.endRun({ run: id, status: 'cancelled', steps: [], nowMs: Date.now() });
    }
  }
});

async function threeLayers(): Promise<RunLab> {
  const it = lab();
  await it.declare(it.byDay('days'), it.above('count', 'days'), it.above('top', 'count'));
  await it.load('2026-01-05', '2026-01-06');
  return it;
}

describe('a decision', () => {
  test('is one run for all layers, in the order of the graph', async () => {
    const it = await threeLayers();
    const { run } = await it.decide();
    expect(run?.steps.map(({ asset, after }) => [asset, after])).toEqual([
      [it.key('days'), []],
      [it.key('count'), [0]],
      [it.key('top'), [1]],
    ]);
    expect(await it.play(run as NonNullable<typeof run>)).toBe('succeeded');
    expect(await it.decide()).toMatchObject({ run: null, later: [], live: [] });
  });

  test('is made once: what is in a run that has not ended is in no other one', async () => {
    const it = await threeLayers();
    const { run } = await it.decide();
    await it.change(order(3, '2026-01-07'));
    const again = await it.decide();
    expect(again.run).toBeNull();
    // Killed before it started: it stands in the warehouse, and is told to whoever asks.
    expect(again.live).toEqual([run]);
    await warehouse.close();
    await warehouse.open();
    expect((await it.decide()).live).toEqual([run]);
    await it.play(again.live[0] as NonNullable<typeof run>);
    expect((await it.decide()).live).toEqual([]);
  });

  test('leaves out what is closed, and tells that it is due later', async () => {
    const it = await threeLayers();
    expect(await it.decide(5_000)).toMatchObject({ run: null, later: [5_000] });
    expect(await it.decide(60_000)).toMatchObject({ decided: [5_000], later: [] });
  });

  test('comes again once a step has ended, while another step of its run goes on', async () => {
    const it = lab();
    await it.declare(it.byDay('days'), it.byDay('others'));
    await it.load('2026-01-05');
    const { run } = await it.decide();
    await it.step(run as NonNullable<typeof run>, 'days');
    await it.change(order(2, '2026-01-06'));
    expect(await it.decided()).toEqual(['days']);
  });

  test('at most eight of them are live', async () => {
    const it = lab();
    const names = Array.from({ length: 9 }, (_, i) => `a${i}`);
    await it.load('2026-01-05');
    for (const [i] of names.entries()) {
      await it.declare(...names.slice(0, i + 1).map((name) => it.byDay(name)));
      expect((await it.decided()).length).toBe(i < 8 ? 1 : 0);
    }
  });
});

describe('the rule of automation', () => {
  test('unchanged output starts nothing downstream', async () => {
    const it = lab();
    await it.declare(it.byDay('days', 'count(*)'), it.above('count', 'days'));
    await it.load('2026-01-05');
    await it.settle();
    await it.change(order(1, '2026-01-05', 99, 'u'));
    const { run } = await it.decide();
    await it.play(run as NonNullable<typeof run>);
    expect(await statusOf(run?.id ?? '')).toEqual(['unchanged', 'up-to-date']);
    expect(await it.decided()).toEqual([]);
  });

  test('other code runs an asset without partitions, and leaves partitions stale for all to see', async () => {
    const it = lab();
    await it.declare(it.byDay('days'), it.above('count', 'days'));
    await it.load('2026-01-05', '2026-01-06');
    await it.settle();
    await it.declare(it.byDay('days', 'sum(total) * 2'), {
      ...it.above('count', 'days'),
      sql: `select count(*) + 1 as n from {${it.key('days')}}`,
    });
    expect(await it.settle()).toEqual([['count']]);
    expect(await warehouse.partitionsIn(it.of('days'), 'stale')).toEqual(['2026-01-05', '2026-01-06']);
    await it.change(order(2, '2026-01-06', 7, 'u'));
    expect(await it.settle()).toEqual([['days', 'count']]);
    expect(await warehouse.partitionsIn(it.of('days'), 'stale')).toEqual(['2026-01-05']);
    const all = { automation: { kind: 'eager', onCodeChange: 'all' } } as const;
    await it.declare(it.byDay('days', 'sum(total) * 2', all));
    expect(await it.settle()).toEqual([['days']]);
    expect(await warehouse.partitionsIn(it.of('days'), 'stale')).toEqual([]);
  });

  test('a table that is read as a whole runs the latest partition alone', async () => {
    const it = lab();
    const reads = (scope: object) =>
      it.byDay('days', 'sum(total)', {
        deps: [{ key: it.orders, by: 'placed' }, it.key('rate')],
        automation: { kind: 'eager', ...scope },
        sql: `select date_trunc('day', placed) as day, sum(total) * any_value(n) as total
              from {${it.orders}}, {${it.key('rate')}} where placed >= {start} and placed < {end} group by 1`,
      });
    const rate = it.asset('rate', { deps: [{ key: it.orders }], sql: `select max(id) as n from {${it.orders}}` });
    await it.declare(rate, reads({}));
    const today = new Date(it.nowMs).toISOString().slice(0, 10);
    await it.load('2026-02-27', '2026-02-28', today);
    await it.settle();
    await it.change(order(4, '2026-02-28'));
    // The day of the new row, and the one that is now; not the first one.
    await it.settle();
    expect(await warehouse.partitionsIn(it.of('days'), 'stale')).toEqual(['2026-02-27']);
    await it.declare(rate, reads({ scope: 'all' }));
    await it.settle();
    expect(await warehouse.partitionsIn(it.of('days'), 'stale')).toEqual([]);
  });

  test('an asset that fails rests twice as long each time; success, other code and a run by hand end that', async () => {
    const it = lab();
    const broken = (column: string) => ({
      ...it.above('broken', 'days'),
      sql: `select ${column} from {${it.key('days')}}`,
    });
    await it.declare(it.byDay('days'), broken('none'));
    await it.load('2026-01-05');
    const { run } = await it.decide();
    expect(await it.play(run as NonNullable<typeof run>)).toBe('failed');
    expect(await statusOf(run?.id ?? '')).toEqual(['succeeded', 'failed']);
    const minutes = async (count: number) => {
      it.nowMs += count * 60_000;
      return await it.settle();
    };
    expect(await minutes(0.9)).toEqual([]);
    expect(await minutes(0.1)).toEqual([['broken']]);
    expect(await minutes(1.9)).toEqual([]);
    expect(await minutes(0.1)).toEqual([['broken']]);
    expect(await minutes(3.9)).toEqual([]);
    await it.declare(it.byDay('days'), broken('total'));
    expect(await minutes(0)).toEqual([['broken']]);
    await it.declare(it.byDay('days'), broken('nowhere'));
    expect(await minutes(0)).toEqual([['broken']]);
    const byHand = { cause: { kind: 'manual' }, steps: [{ asset: it.of('broken'), scope: 'listed' }] } as const;
    await it.play(await warehouse.port.planRun({ ...byHand, nowMs: it.nowMs + 1 }));
    it.nowMs += 2;
    expect(await minutes(1)).toEqual([['broken']]);
  });
});

describe('a step', () => {
  test('that fails keeps only those from running that read it', async () => {
    const it = lab();
    await it.declare(
      it.byDay('days'),
      { ...it.above('broken', 'days'), sql: `select none from {${it.key('days')}}` },
      it.above('below', 'broken'),
      it.above('count', 'days'),
    );
    await it.load('2026-01-05');
    const { run } = await it.decide();
    expect(await it.play(run as NonNullable<typeof run>)).toBe('failed');
    const steps = (await warehouse.port.run(run?.id ?? ''))?.steps ?? [];
    expect(Object.fromEntries(steps.map(({ asset, status, reason }) => [asset, reason ?? status]))).toEqual({
      [it.key('days')]: 'succeeded',
      [it.key('broken')]: 'failed',
      [it.key('below')]: 'upstream-failed',
      [it.key('count')]: 'succeeded',
    });
    expect(steps.find(({ asset }) => asset === it.key('broken'))).toMatchObject({
      error: expect.stringContaining('none'),
    });
  });

  test('is computed once, however often its activity is repeated', async () => {
    const it = await threeLayers();
    const run = (await it.decide()).run as NonNullable<Awaited<ReturnType<RunLab['decide']>>['run']>;
    const first = await it.step(run, 'days');
    await it.change(order(1, '2026-01-05', 99, 'u'));
    expect(await it.step(run, 'days', 2)).toEqual({ outcome: first.outcome, records: [] });
    await it.end(run, 'succeeded');
    expect(await it.decided(), 'what changed meanwhile is due').toEqual(['days']);
  });

  test('of an attempt that comes back late publishes nothing', async () => {
    const it = await threeLayers();
    const run = (await it.decide()).run as NonNullable<Awaited<ReturnType<RunLab['decide']>>['run']>;
    const { publishing } = warehouse.owner;
    const asked = vi.spyOn(publishing, 'pass');
    let late: ReturnType<RunLab['step']> | null = null;
    await publishing.pass(async () => {
      late = it.step(run, 'days');
      await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2), { timeout: 10_000 });
      // It has computed, and is taken for dead: the run is cancelled.
      await it.end(run, 'cancelled');
    });
    asked.mockRestore();
    expect((await late) as unknown as Awaited<ReturnType<RunLab['step']>>).toMatchObject({
      outcome: { status: 'cancelled' },
      records: [],
    });
    expect(await warehouse.port.materializations(it.key('days'), { limit: 1 })).toEqual([]);
  });

  test('that is cancelled is interrupted, and leaves everything as it was', async () => {
    const it = lab();
    const slow = 'select count(*) as n from range(100000) a(x), range(100000) b(y) where (x * y) % 7 = 1';
    await it.declare({ ...it.asset('slow', { deps: [it.orders], sql: slow }) });
    await it.load('2026-01-05');
    const run = (await it.decide()).run as NonNullable<Awaited<ReturnType<RunLab['decide']>>['run']>;
    const step = it.step(run, 'slow').then(
      () => null,
      (failure: Error) => failure,
    );
    await vi.waitFor(async () => expect(await statusOf(run.id)).toEqual(['running']), { timeout: 5_000 });
    const fromMs = performance.now();
    warehouse.port.cancelSteps(run.id);
    expect((await step)?.name).toBe('AbortError');
    expect(performance.now() - fromMs).toBeLessThan(1_000);
    await it.end(run, 'cancelled');
    expect((await warehouse.port.run(run.id))?.status).toBe('cancelled');
    expect(await it.decided(), 'it rests as one that failed').toEqual([]);
  });

  test('of a run that this warehouse does not know is nobody’s', async () => {
    const it = await threeLayers();
    const run = (await it.decide()).run as NonNullable<Awaited<ReturnType<RunLab['decide']>>['run']>;
    expect((await it.step({ ...run, id: 'unknown' }, 'days')).outcome).toMatchObject({ reason: 'removed' });
  });
});

describe('a list of partitions', () => {
  const plan = async (it: RunLab, scope: 'listed' | 'listed-stale' | 'listed-missing', ...partitions: string[]) =>
    await warehouse.port.planRun({
      ...{ cause: { kind: 'manual' }, nowMs: it.nowMs, steps: [{ asset: it.of('days'), scope, partitions }] },
    });
  const madeBy = async (it: RunLab, run: Awaited<ReturnType<typeof plan>>) =>
    (await it.step(run, 'days')).records.map(({ partition }) => partition);

  test('is computed exactly, also what is current, and nothing else of a new asset', async () => {
    const it = lab();
    await it.declare(it.byDay('days'));
    await it.load('2026-01-05', '2026-01-06', '2026-01-07');
    expect(await madeBy(it, await plan(it, 'listed', '2026-01-06'))).toEqual(['2026-01-06']);
    expect(await madeBy(it, await plan(it, 'listed', '2026-01-06', '2026-01-07'))).toEqual([
      '2026-01-06',
      '2026-01-07',
    ]);
    expect(await madeBy(it, await plan(it, 'listed-missing', '2026-01-05', '2026-01-06'))).toEqual(['2026-01-05']);
    await it.change(order(1, '2026-01-05', 99, 'u'));
    expect(await madeBy(it, await plan(it, 'listed-stale', '2026-01-05', '2026-01-06'))).toEqual(['2026-01-05']);
  });

  test('is left to its run by automation until its step has ended', async () => {
    const it = lab();
    await it.declare(it.byDay('days'));
    await it.load('2026-01-05', '2026-01-06');
    const run = await plan(it, 'listed', '2026-01-06');
    const decision = await it.decide();
    await it.play(decision.run as NonNullable<typeof decision.run>);
    expect(await warehouse.partitionsIn(it.of('days'), 'current')).toEqual(['2026-01-05']);
    expect(await it.decided()).toEqual([]);
    // Its search for new partitions is over; this one is known all the same.
    await it.end(run, 'cancelled');
    expect(await warehouse.partitionsIn(it.of('days'), 'missing')).toEqual(['2026-01-06']);
    it.nowMs += 60_000;
    expect(await it.settle()).toEqual([['days']]);
    expect(await warehouse.partitionsIn(it.of('days'), 'current')).toEqual(['2026-01-05', '2026-01-06']);
  });

  test('that is planned twice under one id is one run', async () => {
    const it = lab();
    await it.declare(it.byDay('days'));
    const order = {
      id: 'nightly-1',
      cause: { kind: 'schedule', name: 'nightly', at: '2026-03-01T00:00:00Z' },
    } as const;
    const steps = [{ asset: it.of('days'), scope: 'listed', partitions: ['2026-01-05'] }] as const;
    const run = await warehouse.port.planRun({ ...order, steps, nowMs: it.nowMs });
    expect(await warehouse.port.planRun({ ...order, steps, nowMs: it.nowMs })).toEqual(run);
    expect(await warehouse.port.runs({ cause: 'schedule', limit: 10 })).toMatchObject([{ id: 'nightly-1' }]);
    await it.end(run, 'cancelled');
  });
});

test('runs are listed newest first, page by page, by status, asset and cause', async () => {
  const it = await threeLayers();
  const { run } = await it.decide();
  it.nowMs += 1_000;
  const byHand = await warehouse.port.planRun({
    ...{ cause: { kind: 'manual' }, nowMs: it.nowMs, steps: [{ asset: it.of('days'), scope: 'stale' }] },
  });
  const ids = async (query: Omit<Parameters<typeof warehouse.port.runs>[0], 'limit'>, limit = 10) =>
    (await warehouse.port.runs({ asset: it.key('days'), ...query, limit })).map(({ id }) => id);
  expect(await ids({})).toEqual([byHand.id, run?.id]);
  expect(await ids({}, 1)).toEqual([byHand.id]);
  expect(await ids({ cursor: byHand.id })).toEqual([run?.id]);
  expect(await ids({ cause: 'manual' })).toEqual([byHand.id]);
  expect(await ids({ asset: it.key('top') })).toEqual([run?.id]);
  expect(await ids({ status: 'queued' })).toHaveLength(2);
  await it.play(run as NonNullable<typeof run>);
  expect(await ids({ status: 'succeeded' })).toEqual([run?.id]);
  await it.end(byHand, 'cancelled');
  expect(await ids({ status: 'queued' })).toEqual([]);
});
