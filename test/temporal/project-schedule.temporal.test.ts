// Schedules in a real Temporal: they become those of the configuration, and fire at times that the reader of nominal times knows.

import { Client, Connection, type ScheduleDescription } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { workOfTick } from '../../activities/assets/nominal-time.ts';
import { examineSchedules, reconcileSchedules } from '../../workers/temporal/project-schedule.ts';
import type { LoadedSchedule } from '../../workflows/model/asset/schedule.ts';
import { registerNamespace } from '../support/temporal-namespace.ts';
import { freshTaskQueue } from '../support/unique.ts';

const PATIENCE = { timeout: 30_000, interval: 200 };
const SETTINGS = { heartbeatTimeoutSeconds: 30, searchAttributes: false };

const nightly = (more: Partial<LoadedSchedule> = {}): LoadedSchedule => ({
  ...{ name: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Berlin', overlap: 'skip', catchupWindowMs: 3_600_000 },
  ...{ materialize: 'group:analytics', ...more },
});

describe('the schedules of a project', { timeout: 120_000 }, () => {
  let client: Client;
  beforeAll(async () => {
    const [address, namespace] = [inject('servers').temporalAddress, freshTaskQueue()];
    await registerNamespace(address, namespace);
    client = new Client({ connection: await Connection.connect({ address }), namespace });
  }, 60_000);
  afterAll(async () => {
    await client?.connection.close();
  });

  const wanted = (project: string, ...schedules: readonly LoadedSchedule[]) => ({
    project,
    schedules,
    settings: SETTINGS,
  });
  const tagsOf = async (of: ReturnType<typeof wanted>) => (await examineSchedules(client, of)).map(({ tag }) => tag);
  const bring = async (of: ReturnType<typeof wanted>) => (await reconcileSchedules(client, of)).map(({ tag }) => tag);
  const describeOf = (id: string): Promise<ScheduleDescription> => client.schedule.getHandle(id).describe();

  test('are made once, as they are written', async () => {
    expect(await tagsOf(wanted('shop', nightly()))).toEqual(['new']);
    await expect(describeOf('walflow/shop/nightly'), 'only looked at').rejects.toThrow();
    expect(await bring(wanted('shop', nightly()))).toEqual(['new']);
    expect(await bring(wanted('shop', nightly()))).toEqual(['same']);
    const { spec, policies, action } = await describeOf('walflow/shop/nightly');
    expect(spec.timezone).toBe('Europe/Berlin');
    expect(spec.calendars).toMatchObject([{ hour: [{ start: 2, end: 2 }], minute: [{ start: 30, end: 30 }] }]);
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 3_600_000 });
    expect(action).toMatchObject({
      ...{ workflowType: 'scheduled', workflowId: 'scheduled/shop/nightly', taskQueue: 'walflow-warehouse-main' },
      args: [{ ...nightly(), ...SETTINGS }],
    });
  });

  test('change with the configuration, and stay paused for the reason that was given', async () => {
    const handle = client.schedule.getHandle('walflow/shop/nightly');
    await handle.pause('holidays');
    const later = wanted('shop', nightly({ cron: '0 3 * * *', overlap: 'allow-all' }));
    expect(await tagsOf(later)).toEqual(['changed']);
    expect(await bring(later)).toEqual(['changed']);
    const { spec, state, policies } = await handle.describe();
    expect(spec.calendars).toMatchObject([{ hour: [{ start: 3 }] }]);
    expect(policies.overlap).toBe('ALLOW_ALL');
    expect(state).toMatchObject({ paused: true, note: 'holidays' });
    expect(await examineSchedules(client, later)).toMatchObject([{ tag: 'same', paused: true }]);
  });

  test('get their times back when somebody changed them elsewhere', async () => {
    const handle = client.schedule.getHandle('walflow/shop/nightly');
    await handle.update((before) => ({ ...before, spec: { cronExpressions: ['0 12 * * *'] } }) as never);
    expect((await handle.describe()).spec.calendars).toMatchObject([{ hour: [{ start: 12 }] }]);
    await bring(wanted('shop', nightly({ cron: '0 3 * * *', overlap: 'allow-all' })));
    expect((await handle.describe()).spec.calendars).toMatchObject([{ hour: [{ start: 3 }] }]);
  });

  test('are removed when they are not configured any more; those of other projects stay', async () => {
    await bring(wanted('shop2', nightly()));
    await bring(wanted('shop', nightly(), nightly({ name: 'weekly', cron: '0 7 * * MON' })));
    // The list of schedules follows a moment later.
    await vi.waitFor(
      async () => expect(await tagsOf(wanted('shop', nightly()))).toEqual(['same', 'removed']),
      PATIENCE,
    );
    expect(await bring(wanted('shop', nightly()))).toEqual(['same', 'removed']);
    await expect(describeOf('walflow/shop/weekly')).rejects.toThrow();
    await describeOf('walflow/shop2/nightly');
    await vi.waitFor(async () => expect(await tagsOf(wanted('shop', nightly()))).toEqual(['same']), PATIENCE);
  });

  test('fire at times that are ticks for the reader too', async () => {
    const crons = [
      '30 2 * * *',
      '*/20 1,3-5 * * *',
      '0 7 * * MON-FRI',
      '0 0 * * 7',
      '15 12 29 2 *',
      '0 */6 1-7 jan-mar *',
    ];
    const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
    const schedules = zones.flatMap((timezone, z) =>
      crons.map((cron, c) => nightly({ name: `at-${z}-${c}`, cron, timezone })),
    );
    await bring(wanted('times', ...schedules));
    for (const { name, cron, timezone } of schedules) {
      const { nextActionTimes } = (await describeOf(`walflow/times/${name}`)).info;
      expect(nextActionTimes.length, cron).toBeGreaterThan(1);
      const known = nextActionTimes.filter((at) => {
        const tick = { cron, timezone, nominalMs: at.getTime(), nowMs: at.getTime() };
        return workOfTick(tick, null)?.handledMs === at.getTime();
      });
      // A time that the clock shows twice is a tick once.
      expect(nextActionTimes.length - known.length, `${cron} ${timezone}`).toBeLessThanOrEqual(
        cron.includes('*/20') ? 3 : 1,
      );
    }
  });
});
