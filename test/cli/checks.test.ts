import { expect, test } from 'vitest';
import type { CheckResult } from '../../activities/warehouse/check-order.ts';
import { run } from '../../workers/cli/main.ts';
import { fakeTerminal } from './fake-terminal.ts';

const result = (more: Partial<CheckResult>): CheckResult => ({
  ...{ asset: 'a/by_day', name: 'key', severity: 'error', blocking: false, state: 'passed', failing: 0, keys: [] },
  ...{ at: '2026-11-24T17:00:00.000000Z', partitions: [], partitionCount: 0 },
  ...more,
});

async function textOf(...checks: readonly CheckResult[]): Promise<string> {
  const terminal = fakeTerminal({ answers: { '/api/checks': checks } });
  expect(await run(['checks'], terminal)).toBe(0);
  return terminal.printed.join('\n');
}
const rows = (text: string) => text.split('\n').map((line) => line.split(/ {2,}/));

test('a check that passed is one line', async () => {
  const [head, , row, ...more] = rows(await textOf(result({})));
  expect(head).toEqual(['asset', 'check', 'state', 'failing rows', 'not published', 'ran']);
  expect(row).toEqual(['a/by_day', 'key', 'passed', '0', '2026-11-24T17:00:00.000000Z']);
  expect(more).toEqual([]);
  expect(await textOf()).toBe('no checks');
});

test('what failed is named below: partitions, keys, the error of its SQL', async () => {
  const partitions = [{ partition: '2026-01-05', failing: 2, keys: [{ id: '1' }, { id: null }] }];
  const text = await textOf(
    result({ blocking: true, state: 'failed', failing: 7, partitions, partitionCount: 3 }),
    result({ name: 'known', state: 'warned', failing: 1, keys: [{ a: 'x', b: 'y' }] }),
    result({ name: 'odd', blocking: true, state: 'error', error: 'Binder Error: no column' }),
  );
  expect(text).toContain('\n\na/by_day key\n  2026-01-05: 2 (id=1, id=NULL)\n  and 2 more partitions\n');
  expect(text).toContain('a/by_day known\n  failing (a=x b=y)');
  expect(text).toContain('a/by_day odd\n  Binder Error: no column');
  expect(text).toContain('3 partitions');
  expect(text).toContain('all of it');
});
