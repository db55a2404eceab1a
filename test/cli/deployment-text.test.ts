import { expect, test } from 'vitest';
import { entityLine, scheduleLine, skippedLine } from '../../workers/cli/deployment-text.ts';
import { mergeEntity } from '../../workers/temporal/entity-workflow.ts';
import type { ScheduleChange } from '../../workers/temporal/project-schedule.ts';
import type { LoadedSchedule } from '../../workflows/model/asset/schedule.ts';

const MERGE = mergeEntity('shop', 'second');
const NOW = { heartbeatTimeoutSeconds: 12, searchAttributes: true };

test.each([
  [{ tag: 'missing' }, '+ merge/shop starts'],
  [
    { tag: 'elsewhere', taskQueue: 'walflow-warehouse-main' },
    '~ merge/shop moves from queue walflow-warehouse-main to walflow-warehouse-second',
  ],
  [
    { tag: 'outdated', settings: { heartbeatTimeoutSeconds: 30, searchAttributes: true } },
    '~ merge/shop: heartbeat timeout 30 s → 12 s',
  ],
  [
    { tag: 'outdated', settings: { heartbeatTimeoutSeconds: 30, searchAttributes: false } },
    '~ merge/shop: heartbeat timeout 30 s → 12 s, search attributes off → on',
  ],
  [{ tag: 'outdated', settings: null }, '~ merge/shop: heartbeat timeout → 12 s, search attributes → on'],
  [{ tag: 'current' }, '= merge/shop runs as configured'],
] as const)('deploy says of a workflow that was %o: %s', (before, line) => {
  expect(entityLine(MERGE, before, NOW)).toBe(line);
});

const NIGHTLY: LoadedSchedule = {
  ...{ name: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Berlin', overlap: 'skip', catchupWindowMs: 86_400_000 },
  materialize: 'group:analytics',
};

test.each<[ScheduleChange, string]>([
  [{ tag: 'new', schedule: NIGHTLY }, '+ walflow/shop/nightly: 30 2 * * * (Europe/Berlin) materialize group:analytics'],
  [
    { tag: 'changed', schedule: NIGHTLY, before: { ...NIGHTLY, ...NOW, cron: '0 3 * * *', timezone: 'UTC' } },
    '~ walflow/shop/nightly: cron 0 3 * * * → 30 2 * * *, timezone UTC → Europe/Berlin',
  ],
  [
    { tag: 'changed', schedule: NIGHTLY, before: { ...NIGHTLY, ...NOW, heartbeatTimeoutSeconds: 30 } },
    '~ walflow/shop/nightly: heartbeat timeout 30 s → 12 s',
  ],
  [
    {
      ...{ tag: 'changed', schedule: NIGHTLY },
      before: { ...NIGHTLY, ...NOW, overlap: 'allow-all', catchupWindowMs: 60_000, materialize: 'a/b' },
    },
    '~ walflow/shop/nightly: overlap allow-all → skip, catch-up window 60 s → 86400 s, materialize a/b → group:analytics',
  ],
  [{ tag: 'changed', schedule: NIGHTLY, before: null }, '~ walflow/shop/nightly: is taken over'],
  [{ tag: 'same', schedule: NIGHTLY, paused: false }, '= walflow/shop/nightly is as configured'],
  [{ tag: 'same', schedule: NIGHTLY, paused: true }, '= walflow/shop/nightly is as configured, paused'],
  [{ tag: 'removed', name: 'nightly' }, '- walflow/shop/nightly is removed'],
])('deploy says of a schedule that is %o: %s', (change, line) => {
  expect(scheduleLine('shop', change, NOW)).toBe(line);
});

test('deploy names the times of the next year that a clock skips', () => {
  const now = Date.parse('2026-11-28T12:00Z');
  expect(skippedLine('shop', NIGHTLY, now)).toBe(
    '! walflow/shop/nightly: the clock of Europe/Berlin skips 2027-03-28 02:30: the next tick makes up for it',
  );
  expect(skippedLine('shop', { ...NIGHTLY, cron: '*/10 2 * * *' }, now)).toContain(', 2027-03-28 02:40, and 1 more:');
  expect(skippedLine('shop', { ...NIGHTLY, timezone: 'UTC' }, now)).toBeNull();
});
