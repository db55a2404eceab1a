import { describe, expect, test } from 'vitest';
import { resolveProject } from '../../workers/config/resolve.ts';
import { asset, daily, dep, hourly, multiPartitions, schedule } from '../../workflows/model/define.ts';
import { ORIGIN, project, refused } from './sample-project.ts';

const DAILY = daily({ start: '2026-01-01', output: 'day' });
const ASSETS = [
  asset('analytics/revenue', { deps: ['shop/public.orders'], sql: 'select 1 from {shop/public.orders}' }),
  asset('analytics/by_two_times', {
    deps: [dep('shop/public.orders', { by: { day: 'at', hour: 'at' } }), dep('analytics/revenue', { lookup: true })],
    partitions: multiPartitions({ day: DAILY, hour: hourly({ start: '2026-01-01T00', output: 'hour' }) }),
    sql: 'select 1 from {analytics/revenue}',
  }),
];
const nightly = (more: object = {}) => ({
  name: 'nightly',
  cron: '0 7 * * *',
  materialize: 'analytics/revenue',
  ...more,
});
const config = (...schedules: readonly object[]) => project({ assets: ASSETS, schedules });

describe('a schedule is refused when', () => {
  test.each<[string, readonly object[], string, string]>([
    [
      'its selection misspells an asset',
      [nightly({ materialize: 'analytics/revenu' })],
      'schedules[0].materialize cannot be used: there is no asset "analytics/revenu"',
      'did you mean analytics/revenue?',
    ],
    [
      'its selection cannot be read',
      [nightly({ materialize: 'analytics/revenue and' })],
      'the selection analytics/revenue and▸ cannot be read at ▸: expected an asset, but it ends',
      'write a key',
    ],
    [
      'its selection selects nothing',
      [nightly({ materialize: 'tag:tier=gold' })],
      'schedules[0].materialize is tag:tier=gold, which selects no derived asset',
      'walflow assets',
    ],
    [
      'its selection is only about what is captured',
      [nightly({ materialize: 'kind:captured' })],
      'schedules[0].materialize is kind:captured, which selects no derived asset',
      'walflow assets',
    ],
    [
      'its selection asks for a state',
      [nightly({ materialize: 'group:analytics and status:stale' })],
      'asks for a status, which changes all the time',
      'name assets by key',
    ],
    [
      'it selects partitions without an end',
      [nightly({ materialize: 'analytics/*' })],
      'selects analytics/by_two_times, whose partitions are combinations of times',
      '(analytics/*) and not analytics/by_two_times',
    ],
    [
      'its cron cannot be read',
      [nightly({ cron: '0 25 * * *' })],
      'schedules[0].cron cannot be read: Invalid value for hour: 25',
      'write five fields',
    ],
    [
      'its cron is short',
      [nightly({ cron: '@daily' })],
      'schedules[0].cron has 1 fields instead of five',
      'write five',
    ],
    [
      'its cron has what only some readers know',
      [nightly({ cron: '0 7 L * *' })],
      'schedules[0].cron has a day of the month that cannot be read: L',
      'write five fields',
    ],
    [
      'no year has its day',
      [nightly({ cron: undefined, calendar: { dayOfMonth: 31, month: [2, 4] } })],
      'schedules[0].calendar names a day that no year has',
      'name a day that exists',
    ],
    [
      'its cron can mean two things',
      [nightly({ cron: '0 7 1 * MON' })],
      'schedules[0].cron names a day of the month and a day of the week',
      'write two schedules',
    ],
    [
      'it does not say when',
      [nightly({ cron: undefined })],
      'schedules[0] does not say when',
      "write cron: '0 7 * * *'",
    ],
    [
      'it says twice when',
      [nightly({ calendar: { hour: 7 } })],
      'schedules[0] says twice when',
      'calendar: { hour: 7 }',
    ],
    [
      'its zone does not exist',
      [nightly({ timezone: 'Europe/Berlim' })],
      'schedules[0].timezone names zone Europe/Berlim, which does not exist',
      'did you mean Europe/Berlin?',
    ],
    [
      'another one has its name',
      [nightly(), nightly()],
      'schedules[1].name is nightly, the name of another schedule',
      'a name of its own',
    ],
    [
      'it is to do what has no command yet',
      [nightly({ backfill: { selection: 'analytics/revenue', last: 3 } })],
      'schedules[0].backfill is not supported yet',
      'a schedule can only materialize',
    ],
    ['a field is misspelt', [nightly({ timezon: 'UTC' })], 'schedules[0].timezon is not a field', 'did you mean'],
    [
      'it catches up for no time at all',
      [nightly({ catchupWindow: '1 second' })],
      'schedules[0].catchupWindow must be a duration of at least 10 seconds',
      '',
    ],
  ])('%s', (_why, schedules, what, fix) => {
    const failure = refused(config(...schedules));
    expect(failure.code).toBe('CONFIG_INVALID');
    expect(failure.message).toContain(what);
    expect(failure.hint).toContain(fix);
  });
});

test('a schedule gets its defaults, and a calendar becomes a cron', () => {
  const calendar = { minute: [0, 30], hour: 7, dayOfMonth: 1, dayOfWeek: 'monday' } as const;
  const { schedules } = resolveProject(
    config(
      schedule('plain', { cron: ' 0 7 * * * ', materialize: '+analytics/revenue' }),
      schedule('first', {
        calendar,
        timezone: 'Europe/Berlin',
        catchupWindow: '2 hours',
        materialize: 'group:analytics and not *times',
      }),
    ),
    ORIGIN,
  );
  expect(schedules).toEqual([
    {
      ...{ name: 'plain', cron: '0 7 * * *', timezone: 'UTC', overlap: 'skip', catchupWindowMs: 86_400_000 },
      materialize: '+analytics/revenue',
    },
    {
      ...{
        name: 'first',
        cron: '0,30 7 1 * MON',
        timezone: 'Europe/Berlin',
        overlap: 'skip',
        catchupWindowMs: 7_200_000,
      },
      materialize: 'group:analytics and not *times',
    },
  ]);
});
