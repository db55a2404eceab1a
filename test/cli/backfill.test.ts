import { describe, expect, test } from 'vitest';
import { run } from '../../workers/cli/main.ts';
import { BACKFILL, REVENUE } from '../http/fake-backend.ts';
import { fakeTerminal } from './fake-terminal.ts';

describe('walflow backfill', () => {
  const answers = {
    '/api/backfills': { id: 'b1', assets: [{ asset: REVENUE.key, partitions: 14 }] },
    '/api/backfills/b1': { ...BACKFILL, status: 'failed', endedAt: '2026-11-24T17:10:00.000000Z', secondsLeft: null },
    '/api/backfills/b1/pause': BACKFILL,
  };

  test('asks for what the flags say, waits for the end, and fails with it', async () => {
    const terminal = fakeTerminal({ answers });
    const flags = ['--from', '2026-11-01', '--to', '2026-11-14', '--only-missing', '--chunk', '5', '--wait'];
    expect(await run(['backfill', 'analytics/*', ...flags], terminal)).toBe(1);
    expect(terminal.requests[0]?.body).toEqual({
      ...{ select: 'analytics/*', from: '2026-11-01', to: '2026-11-14', only: 'missing', chunk: 5, dryRun: false },
    });
    expect(terminal.printed[0]).toBe('backfill b1 computes 14 partitions');
    expect(terminal.printed[1]).toContain('backfill b1: failed, 6 of 14 partitions');
    expect(terminal.printed[1]).toContain(`failed ${REVENUE.key} 2026-11-24: no such column`);
  });

  test('says what it would compute, or that there is nothing', async () => {
    const plan = (assets: unknown[]) => fakeTerminal({ answers: { '/api/backfills': { id: null, assets } } });
    const some = plan([{ asset: REVENUE.key, partitions: 14 }]);
    expect(await run(['backfill', 'analytics/*', '--dry-run'], some)).toBe(0);
    expect(some.requests[0]?.body).toEqual({ select: 'analytics/*', dryRun: true });
    expect(some.printed[0]?.split('\n')[2]?.split(/ {2,}/)).toEqual([REVENUE.key, '14']);
    const none = plan([]);
    expect(await run(['backfill', 'analytics/*', '--only-stale'], none)).toBe(0);
    expect(none.printed).toEqual(['nothing to compute']);
  });

  test('is paused, shown and listed', async () => {
    const terminal = fakeTerminal({ answers: { ...answers, '/api/backfills': [BACKFILL] } });
    expect(await run(['backfill', 'pause', 'b1'], terminal)).toBe(0);
    expect(await run(['backfill', 'show', 'b1', '--json'], terminal)).toBe(0);
    expect(JSON.parse(terminal.printed[1] ?? '')).toMatchObject({ id: 'b1', status: 'failed' });
    expect(await run(['backfills'], terminal)).toBe(0);
    expect(terminal.printed[2]).toContain('6 of 14 partitions, about 90 s left');
  });

  test.each([
    ['--chunk', '0'],
    ['--only-stale', '--only-missing'],
  ])('refuses %s %s', async (...flags) => {
    expect(await run(['backfill', 'analytics/*', ...flags], fakeTerminal({ answers }))).toBe(2);
  });
});
