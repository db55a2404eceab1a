import { describe, expect, test } from 'vitest';
import { run } from '../../workers/cli/main.ts';
import { NIGHTLY } from '../http/fake-backend.ts';
import { fakeTerminal } from './fake-terminal.ts';

describe('walflow schedules', () => {
  test('says when each fires, and up to when its work is done', async () => {
    const missing = { ...NIGHTLY, name: 'new', state: 'missing', nextAt: null, lastAt: null, handledAt: null };
    const terminal = fakeTerminal({ answers: { '/api/schedules': [NIGHTLY, missing] } });
    expect(await run(['schedules'], terminal)).toBe(0);
    const [, , first, second] = (terminal.printed[0] ?? '').split('\n').map((line) => line.split(/ {2,}/));
    expect(first).toEqual([
      ...['nightly', '30 2 * * *', 'Europe/Berlin', 'group:analytics', 'active'],
      ...['2026-11-29T01:30:00Z', '2026-11-28T01:30:00Z', '2026-11-28T01:30:00Z'],
    ]);
    expect(second?.slice(0, 5)).toEqual(['new', '30 2 * * *', 'Europe/Berlin', 'group:analytics', 'missing']);
  });

  test('as JSON, or that there are none', async () => {
    const terminal = fakeTerminal({ answers: { '/api/schedules': [NIGHTLY] } });
    expect(await run(['schedules', '--json'], terminal)).toBe(0);
    expect(JSON.parse(terminal.printed[0] ?? '')).toEqual([NIGHTLY]);
    const none = fakeTerminal({ answers: { '/api/schedules': [] } });
    expect(await run(['schedules'], none)).toBe(0);
    expect(none.printed).toEqual(['no schedules']);
  });
});

test.each([
  ['pause', 'is paused'],
  ['resume', 'goes on'],
  ['trigger', 'is triggered'],
])('walflow schedule %s asks the API', async (operation, done) => {
  const answers = { [`/api/schedules/nightly/${operation}`]: NIGHTLY };
  const terminal = fakeTerminal({ answers });
  expect(await run(['schedule', operation, 'nightly'], terminal)).toBe(0);
  expect(terminal.requests[0]).toMatchObject({ method: 'POST', body: {} });
  expect(terminal.printed).toEqual([`nightly ${done} (walflow/shop/nightly)`]);
  const json = fakeTerminal({ answers });
  expect(await run(['schedule', operation, 'nightly', '--json'], json)).toBe(0);
  expect(JSON.parse(json.printed[0] ?? '')).toEqual(NIGHTLY);
});
