import { expect, test } from 'vitest';
import { leftBehindText, slotText } from '../../workers/cli/slot-text.ts';

const HEALTH = { tag: 'idle', active: false, walStatus: 'reserved', lagBytes: 10, retainedBytes: 16_777_216 } as const;

test('a slot that is not read says what it costs', () => {
  expect(slotText('walflow_shop', HEALTH).split('\n')).toEqual([
    'slot walflow_shop: idle (not being read: the source keeps WAL for it until it is read again or dropped)',
    '  lag       10 B',
    '  retained  17 MB',
    '  budget    no limit is set (max_slot_wal_keep_size = -1)',
  ]);
});

const LIMIT = { budgetBytes: 0, keepLimitBytes: 64 * 1024 * 1024 } as const;

test('a lost slot names the reason, the way out, and the limit it ran into', () => {
  const lost = { ...HEALTH, tag: 'lost', reason: 'wal_removed', ...LIMIT } as const;
  expect(slotText('s', lost)).toMatch(/lost \(cannot be continued: run `walflow slot recreate`; wal_removed\)/);
  expect(slotText('s', lost)).toContain('budget    none is left (max_slot_wal_keep_size = 64MB)');
  expect(leftBehindText('s', lost, ['it'])).toBe('slot s is lost: no WAL is kept for it any more\n  drop it with   it');
});

test('a limit is told with what is left of it', () => {
  expect(slotText('s', { ...HEALTH, ...LIMIT, budgetBytes: 1_000 })).toContain(
    'budget    1 kB more may be written (max_slot_wal_keep_size = 64MB)',
  );
});

test('what stays behind is named with the ways to drop it', () => {
  const text = leftBehindText('walflow_shop', HEALTH, ['npx walflow slot drop shop', 'by hand']);
  expect(text.split('\n')).toEqual([
    'slot walflow_shop stays on the source and keeps WAL while walflow is stopped: 17 MB now',
    '  drop it with   npx walflow slot drop shop',
    '            or   by hand',
  ]);
});
