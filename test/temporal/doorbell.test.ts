// How often the doorbell rings automation. No Temporal: only what is sent counts.

import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TemporalDoorbell } from '../../workers/temporal/doorbell.ts';
import { automationEntity } from '../../workers/temporal/entity-workflow.ts';
import { DEFAULT_RUN_SETTINGS } from '../../workflows/model/run.ts';

const EVERY_MS = new Map([
  ['a/one', 5_000],
  ['a/two', 5_000],
  ['b/often', 1_000],
]);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function freshBell() {
  const sent = vi.fn(async () => undefined);
  const client = { workflow: { signalWithStart: sent } } as unknown as Client;
  const automation = automationEntity('shop', 'main');
  const rung = { merges: new Map(), automation, everyMs: EVERY_MS, settings: DEFAULT_RUN_SETTINGS };
  return { sent, bell: new TemporalDoorbell(client, pino({ enabled: false }), rung) };
}

test('the first change rings at once, all others in the time of its assets together once, at its end', () => {
  const { sent, bell } = freshBell();
  bell.changed(['a/one']);
  expect(sent).toHaveBeenCalledTimes(1);
  for (let i = 0; i < 50; i += 1) bell.changed([i % 2 === 0 ? 'a/one' : 'a/two']);
  vi.advanceTimersByTime(4_900);
  expect(sent).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(200);
  expect(sent).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(60_000);
  expect(sent, 'nothing has changed since').toHaveBeenCalledTimes(2);
  bell.changed(['a/two']);
  expect(sent, 'after a quiet time').toHaveBeenCalledTimes(3);
  bell.close();
});

test('an asset with another time does not wait for that of others', () => {
  const { sent, bell } = freshBell();
  bell.changed(['a/one']);
  bell.changed(['b/often', 'a/one']);
  expect(sent).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(1_100);
  bell.changed(['b/often']);
  expect(sent).toHaveBeenCalledTimes(3);
  bell.close();
});

test('an asset that runs only by hand rings nothing', () => {
  const { sent, bell } = freshBell();
  bell.changed(['c/by-hand']);
  bell.changed([]);
  expect(sent).not.toHaveBeenCalled();
});
