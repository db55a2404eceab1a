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

test('a lost slot names the reason and the way out', () => {
  const lost = { ...HEALTH, tag: 'lost', reason: 'wal_removed', budgetBytes: 0 } as const;
  expect(slotText('s', lost)).toMatch(/lost \(cannot be continued: run `walflow slot recreate`; wal_removed\)/);
});

test('what stays behind is named with the ways to drop it', () => {
  const text = leftBehindText('walflow_shop', HEALTH, ['npx walflow slot drop shop', 'by hand']);
  expect(text.split('\n')).toEqual([
    'slot walflow_shop stays on the source and keeps WAL while walflow is stopped: 17 MB now',
    '  drop it with   npx walflow slot drop shop',
    '            or   by hand',
  ]);
});
