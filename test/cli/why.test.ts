import { expect, test } from 'vitest';
import { run } from '../../workers/cli/main.ts';
import type { AssetWhy } from '../../workers/http/backend.ts';
import { fakeTerminal } from './fake-terminal.ts';

const KEY = 'analytics/revenue_by_day';
const CURRENT: AssetWhy = {
  ...{ asset: KEY, current: 14, causes: { missing: 0, touched: 0, code: 0, whole: 0 } },
  ...{ wanted: 0, searches: false, waitsFor: [] },
};
const said = async (why: Partial<AssetWhy>, ...flags: readonly string[]) => {
  const terminal = fakeTerminal({
    answers: { [`/api/assets/${encodeURIComponent(KEY)}/why`]: { ...CURRENT, ...why } },
  });
  expect(await run(['why', KEY, ...flags], terminal)).toBe(0);
  return terminal.printed.join('\n');
};

test('says that an asset is current', async () => {
  expect(await said({})).toBe(`${KEY} is current: 14 of 14`);
});

test('says what is due, why, and what the next decision does', async () => {
  const text = await said({ current: 12, causes: { ...CURRENT.causes, touched: 2 }, wanted: 2 });
  expect(text.split('\n')).toEqual([
    `${KEY}: 12 current`,
    '  2: rows that they read have changed',
    'the next decision runs 2',
  ]);
  expect(await said({ searches: true })).toContain('the next decision runs the search');
});

test('says what to do about each thing that it waits for', async () => {
  const text = await said({
    causes: { ...CURRENT.causes, missing: 1, code: 7 },
    waitsFor: [
      { tag: 'inputs' },
      { tag: 'no-automation' },
      { tag: 'run', run: 'r1' },
      { tag: 'listed', partitions: 3 },
      { tag: 'rest', until: '2026-11-24T18:01:00.000000Z' },
      { tag: 'asked', partitions: 7 },
    ],
  });
  const lines = text.split('\n').filter((line) => line.startsWith('waits: '));
  const advice = [
    'walflow status',
    `walflow materialize ${KEY}`,
    'run show r1',
    'walflow backfills',
    'until 2026',
    '--only-stale',
  ];
  expect(lines).toHaveLength(advice.length);
  for (const [i, words] of advice.entries()) expect(lines[i]).toContain(words);
});

test('prints JSON', async () => {
  expect(JSON.parse(await said({}, '--json'))).toEqual(CURRENT);
});
