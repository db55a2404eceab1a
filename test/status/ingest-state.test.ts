import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { IngestStates } from '../../workers/status/ingest-state.ts';
import type { IngestStatus } from '../../workflows/model/run.ts';

/** A client whose workflow answers, or does not. */
function clientOf(answer: () => IngestStatus): Client {
  const handle = { query: async () => answer() };
  const client = {
    workflow: { getHandle: () => handle },
    withDeadline: (_: number, ask: () => Promise<unknown>) => ask(),
  };
  return client as unknown as Client;
}

test.each([
  ['waiting-to-retry', 'the server is away'],
  ['preparing', 'the server is away'],
  ['streaming', null],
  ['paused', 'the server is away'],
] as const)('the last failure while %s: %s', async (state, reason) => {
  const states = new IngestStates(clientOf(() => ({ state, lastFailure: 'the server is away', attempts: 3 })));
  expect(await states.of('shop')).toEqual({ state, reason });
});

test('without a worker that answers the pipeline is down', async () => {
  const states = new IngestStates(
    clientOf(() => {
      throw new Error('deadline exceeded');
    }),
  );
  expect(await states.of('shop')).toEqual({ state: 'down', reason: 'no ingest worker answers' });
});
