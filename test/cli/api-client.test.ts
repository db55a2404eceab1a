import { expect, test } from 'vitest';
import { type ApiClient, createApiClient } from '../../workers/cli/api-client.ts';
import { fakeTerminal } from './fake-terminal.ts';

function client(answers: Record<string, unknown>, url = 'http://127.0.0.1:4400'): ApiClient {
  const { fetch, signal } = fakeTerminal({ answers });
  return createApiClient({ url, token: undefined, fetch, signal });
}

test('an address that is no http address is wrong use', () => {
  expect(() => client({}, 'localhost:4400')).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
});

test.each([
  ['HTML with status 200', new Response('<html>')],
  ['an error of something in between', new Response('bad gateway', { status: 502 })],
])('%s is not taken for an answer', async (_, response) => {
  const asking = client({ '/api/pipelines': response }).pipelines();
  await expect(asking).rejects.toMatchObject({ code: 'API_ANSWER_INVALID' });
});

test('a code this version does not know is kept in the message', async () => {
  const error = { code: 'FROM_THE_FUTURE', message: 'something new', hint: 'upgrade' };
  const asking = client({ '/api/assets': Response.json({ error }, { status: 500 }) }).assets();
  await expect(asking).rejects.toMatchObject({
    code: 'API_ANSWER_INVALID',
    message: 'something new (FROM_THE_FUTURE)',
    hint: 'upgrade',
  });
});

test('nobody answering is API_UNREACHABLE', async () => {
  await expect(client({}).metrics()).rejects.toMatchObject({ code: 'API_UNREACHABLE' });
});
