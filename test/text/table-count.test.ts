import { expect, test } from 'vitest';
import { liveText } from '../../workers/text/table-count.ts';

const tables = (...states: readonly string[]) => states.map((state) => ({ state }));

test('counts live tables among those that are captured, and names the others', () => {
  expect(liveText([])).toBe('0 of 0 live');
  expect(liveText(tables('live', 'append-only', 'loading'))).toBe('2 of 3 live');
  expect(liveText(tables('live', 'paused', 'detached', 'detached'))).toBe('1 of 2 live, 1 paused, 2 detached');
  expect(liveText(Array.from({ length: 1_000 }, (_, i) => ({ state: i < 812 ? 'live' : 'loading' })))).toBe(
    '812 of 1,000 live',
  );
});
