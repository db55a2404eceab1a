// The columns that an asset promises, over one captured table by day.

import { beforeAll, expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import type { DeclaredColumns } from '../../../workflows/model/asset/contract.ts';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { type AssetGraph, buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import { INT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW } from '../lab.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();
const orders = testEntry('public.orders', { id: INT, total: INT, placed: TIMESTAMPTZ }, ['id']);
const row = (id: number, total: number | null, day: string): TestChange => ({
  ...{ op: 'r', lsn: 1, ordinal: id },
  row: { id: `${id}`, total: total === null ? null : `${total}`, placed: `2026-${day} 10:00:00+00` },
});
let graph: AssetGraph;

beforeAll(async () => {
  const chunks = [await warehouse.writer.write(orders, [row(1, 10, '01-05'), row(2, null, '01-06')])];
  const load = { ...placed(orders), r0Lsn: lsnToHex(1n), chunks, files: [], truncates: [] };
  await warehouse.merge('shop', 100, { begins: [placed(orders)], loads: [load] });
});

/** An asset that selects `list` of the orders of a day. */
async function declare(key: string, list: string, more: Partial<AssetDefinition>): Promise<void> {
  const definition: AssetDefinition = {
    key,
    deps: [{ key: 'shop/public.orders', by: 'placed' }],
    partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
    sql: `select ${list} from {shop/public.orders} where placed >= {start} and placed < {end}`,
    ...more,
  };
  graph = buildAssetGraph([definition], new Set(['shop']));
  await warehouse.port.declareAssets(graph.derived, NOW);
}

async function step(key: string) {
  const run = { workflowId: 'run/x', runId: crypto.randomUUID(), attempt: 1 };
  const { records, withheld } = await warehouse.port.materialize({ asset: graph.asset(key), run });
  return [records.map(({ partition }) => partition), withheld.map(({ check, partition }) => `${check} ${partition}`)];
}

const LIST = 'id, total::DECIMAL(18,2) as total, placed as day';

test('columns that are as promised are published, whatever their types are written like', async () => {
  const columns = { ID: 'int', Total: 'numeric(18, 2)', day: { type: 'TIMESTAMPTZ not null', description: 'of sale' } };
  await declare('kept/orders', LIST, { columns });
  expect(await step('kept/orders')).toEqual([['2026-01-05', '2026-01-06'], []]);
});

test('rows with a NULL where none may be are not published', async () => {
  await declare('full/orders', LIST, { columns: { id: 'INT', total: 'DECIMAL(18,2) not null', day: 'TIMESTAMPTZ' } });
  expect(await step('full/orders')).toEqual([['2026-01-05'], ['columns 2026-01-06']]);
  expect(await warehouse.port.checks([graph.asset('full/orders')])).toMatchObject([
    { name: 'columns', state: 'failed', failing: 1, partitionCount: 1 },
  ]);
});

test.each<[string, DeclaredColumns, string]>([
  [
    'has another type',
    { id: 'INT', total: 'DECIMAL(18,3)', day: 'DATE' },
    'total is DECIMAL(18,2), not DECIMAL(18,3); day',
  ],
  ['is missing', { id: 'INT', total: 'DECIMAL(18,2)', day: 'TIMESTAMPTZ', more: 'INT' }, 'more is missing'],
  ['is not promised', { total: 'DECIMAL(18,2)', day: 'TIMESTAMPTZ' }, 'id is not expected'],
  [
    'has a type that does not exist',
    { id: 'SPAM', total: 'INT', day: 'DATE' },
    'column id of broken/orders: Catalog Error',
  ],
])('nothing is published if a column %s', async (_, columns, message) => {
  await declare('broken/orders', LIST, { columns });
  await expect(step('broken/orders')).rejects.toMatchObject({
    ...{ code: 'ASSET_CONTRACT_BROKEN', message: expect.stringContaining(message) },
  });
  expect(await warehouse.rows(`from duckdb_tables() where schema_name = 'broken'`)).toEqual([]);
});

test('a change of columns makes the table again, or fails and changes nothing', async () => {
  await declare('changed/orders', LIST, { onSchemaChange: 'fail' });
  expect(await step('changed/orders')).toEqual([['2026-01-05', '2026-01-06'], []]);
  const otherwise = 'id, total::DOUBLE as total, placed as day, 1 as one';
  await declare('changed/orders', otherwise, { onSchemaChange: 'fail' });
  await expect(step('changed/orders')).rejects.toMatchObject({
    code: 'ASSET_SCHEMA_CHANGED',
    message: expect.stringContaining('total is DOUBLE, not DECIMAL(18,2); one is not expected'),
  });
  expect(await warehouse.rows('select count(*)::INT as n, typeof(any_value(total)) as t from changed.orders')).toEqual([
    { n: 2, t: 'DECIMAL(18,2)' },
  ]);
  await declare('changed/orders', 'placed as day, total::DECIMAL(18,2) as total, id', { onSchemaChange: 'fail' });
  await expect(step('changed/orders')).rejects.toThrow('the same in another order');
  await declare('changed/orders', otherwise, { onSchemaChange: 'rebuild' });
  expect(await step('changed/orders')).toEqual([['2026-01-05', '2026-01-06'], []]);
  expect(await warehouse.rows('select distinct one from changed.orders')).toEqual([{ one: 1 }]);
});
