import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { expect, test } from 'vitest';
import { describeFailure, withHeartbeat } from '../../activities/activity.ts';

const ended = (activity: Promise<unknown>) => activity.then(String, ({ type, message }) => `${type}: ${message}`);

test('an activity that runs when the process breaks fails with that reason, and so does a later one', async () => {
  const broken = new AbortController();
  const never = describeFailure({ broken: broken.signal }, () => new Promise<never>(() => {}));
  const running = never({});
  broken.abort(new Error('thrown in an event'));
  expect(await ended(running)).toMatch(/^INTERNAL: error: Error: thrown in an event\. hint: /);
  expect(await ended(never({}))).toMatch(/^INTERNAL: /);
});

test('a heartbeat that cannot be sent fails the activity, not the process', async () => {
  const details = () => {
    throw new Error('no details');
  };
  const context = { heartbeat: () => {} } as unknown as Context;
  const running = asyncLocalStorage.run(context, () => withHeartbeat(details, () => new Promise<never>(() => {})));
  await expect(running).rejects.toThrow('no details');
});
