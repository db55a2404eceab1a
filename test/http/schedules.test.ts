import { describe, expect, test } from 'vitest';
import { WalflowError } from '../../workflows/model/errors.ts';
import { fakeBackend, NIGHTLY } from './fake-backend.ts';
import { runningApi } from './running-api.ts';

const post = (url: string, body?: string) => fetch(url, { method: 'POST', ...(body === undefined ? {} : { body }) });

describe('/api/schedules', () => {
  test('lists them', async () => {
    const { url } = await runningApi(fakeBackend());
    expect(await (await fetch(`${url}/api/schedules`)).json()).toEqual([NIGHTLY]);
  });

  test.each(['pause', 'resume', 'trigger'])('%s is for the one that is named, and takes nothing', async (operation) => {
    const asked: string[] = [];
    const backend = fakeBackend({
      operateSchedule: async (...request) => {
        asked.push(...request);
        return NIGHTLY;
      },
    });
    const { url } = await runningApi(backend);
    const response = await post(`${url}/api/schedules/nightly/${operation}`);
    expect([response.status, await response.json()]).toEqual([200, NIGHTLY]);
    expect(asked).toEqual(['nightly', operation]);
    expect((await post(`${url}/api/schedules/nightly/${operation}`, '{"at":"now"}')).status).toBe(400);
  });

  test('one that is not deployed is a conflict, with what to do', async () => {
    const missing = new WalflowError('SCHEDULE_NOT_DEPLOYED', 'Temporal has no schedule walflow/shop/nightly');
    const { url } = await runningApi(fakeBackend({ operateSchedule: () => Promise.reject(missing) }));
    const refused = await post(`${url}/api/schedules/nightly/pause`);
    const error = { code: 'SCHEDULE_NOT_DEPLOYED', hint: expect.stringContaining('walflow deploy') };
    expect([refused.status, await refused.json()]).toMatchObject([409, { error }]);
  });

  test('an unknown one, and an unknown operation, are not found', async () => {
    const { url } = await runningApi(fakeBackend());
    const unknown = await post(`${url}/api/schedules/nigthly/pause`);
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'SCHEDULE_UNKNOWN' } }]);
    expect((await post(`${url}/api/schedules/nightly/remove`)).status).toBe(404);
  });
});
