import { expect, test } from 'vitest';
import { INT, TEXT, testEntry } from '../change-files.ts';
import { compareWith } from '../conformance/comparison.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();

test('a key that the warehouse has twice is one row too many, whatever its values', async () => {
  const entry = testEntry('twice.items', { id: INT, name: TEXT }, ['id']);
  await warehouse.goLive('twice', 100, entry, [
    { id: '3', name: 'once' },
    { id: '4', name: 'twice' },
  ]);
  await warehouse.owner.use((session) => session.run('insert into twice.items from twice.items where id = 4'));
  expect(await compareWith(warehouse, entry, '3,once\n4,twice\n')).toEqual({
    ...{ tag: 'compared', rowsSource: 2, rowsWarehouse: 3, differingCount: 1 },
    differing: [{ key: ['4'], kind: 'extra', columns: [] }],
  });
});
