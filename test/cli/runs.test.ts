import { expect, test } from 'vitest';
import { run } from '../../workers/cli/main.ts';
import type { RunStatusView } from '../../workers/http/backend.ts';
import { fakeTerminal } from './fake-terminal.ts';

const FAILED: RunStatusView = {
  ...{ id: 'r1', workflowId: 'run/r1', status: 'failed', cause: { kind: 'schedule', name: 'nightly', at: 'x' } },
  ...{ createdAt: 'c', startedAt: 's', endedAt: 'e' },
  steps: [
    {
      ...{ no: 0, asset: 'a/days', status: 'failed', scope: 'due', planned: 0, partitions: 0, unchanged: 0, rows: 0 },
      ...{ attempt: 5, error: 'no such column', startedAt: 's', endedAt: 'e' },
    },
    {
      ...{ no: 1, asset: 'a/total', status: 'skipped', reason: 'upstream-failed', scope: 'due', planned: 0 },
      ...{ partitions: 0, unchanged: 0, rows: 0, attempt: 0, startedAt: null, endedAt: 'e' },
    },
  ],
};

test('runs are listed by status, asset and cause, page by page', async () => {
  const terminal = fakeTerminal({ answers: { '/api/runs': [FAILED] } });
  const args = ['--status', 'failed', '--asset', 'a/days', '--cause', 'schedule', '--limit', '1'];
  expect(await run(['runs', ...args], terminal)).toBe(0);
  expect(terminal.requests[0]?.query).toBe('?limit=1&status=failed&asset=a%2Fdays&cause=schedule');
  const text = terminal.printed.join('\n');
  expect(text).toContain('schedule nightly');
  expect(text).toContain('a/days, a/total');
  expect(text).toContain('--cursor r1');
});

test('a run shows its steps and what failed', async () => {
  const terminal = fakeTerminal({ answers: { '/api/runs/r1': FAILED } });
  expect(await run(['run', 'show', 'r1'], terminal)).toBe(0);
  const text = terminal.printed.join('\n');
  expect(text).toContain('run r1: failed (schedule nightly)');
  expect(text).toContain('skipped (upstream-failed)');
  expect(text).toContain('a/days: no such column');
});

test('materialize starts a run; with --wait its end decides the exit code', async () => {
  const queued: RunStatusView = { ...FAILED, status: 'queued', endedAt: null };
  const answers = { '/api/runs': queued, '/api/runs/r1': FAILED };
  const terminal = fakeTerminal({ answers });
  expect(await run(['materialize', 'a/days', '--partition', '2026-11-21'], terminal)).toBe(0);
  expect(terminal.requests).toMatchObject([{ method: 'POST', body: { select: 'a/days', partition: '2026-11-21' } }]);
  const waiting = fakeTerminal({ answers });
  expect(await run(['materialize', 'a/days', '--wait', '--json'], waiting)).toBe(1);
  expect(JSON.parse(waiting.printed[0] ?? '')).toEqual(FAILED);
  expect(
    await run(
      ['materialize', 'a/days', '--wait'],
      fakeTerminal({ answers: { '/api/runs': { ...FAILED, status: 'succeeded' } } }),
    ),
  ).toBe(0);
});

test('cancel and retry ask the API', async () => {
  const terminal = fakeTerminal({ answers: { '/api/runs/r1/cancel': FAILED, '/api/runs/r1/retry': FAILED } });
  expect(await run(['run', 'cancel', 'r1'], terminal)).toBe(0);
  expect(await run(['run', 'retry', 'r1', '--from', 'all'], terminal)).toBe(0);
  expect(terminal.requests.map(({ path, body }) => [path, body])).toEqual([
    ['/api/runs/r1/cancel', {}],
    ['/api/runs/r1/retry', { from: 'all' }],
  ]);
});
