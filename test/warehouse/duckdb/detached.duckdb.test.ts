import { expect, test } from 'vitest';
import { INT, testEntry } from '../change-files.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();

test('dropping detached tables leaves a table that an asset has made in the place of one', async () => {
  await warehouse.goLive('shop', 100, testEntry('analytics.totals', { id: INT }, ['id']), [{ id: '1' }]);
  await warehouse.merge('shop', 110, { removes: ['analytics.totals'] });
  await warehouse.rows('create or replace table analytics.totals as select 42 as answer');
  expect(await warehouse.port.dropDetached('shop')).toEqual(['analytics.totals']);
  expect(await warehouse.rows('select answer from analytics.totals')).toEqual([{ answer: 42 }]);
  expect(await warehouse.port.tables('shop')).toEqual([]);
});
