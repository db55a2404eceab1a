import { describe, expect, test } from 'vitest';
import type { AssetDefinition, LoadedAsset } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { graphFaults } from '../../../workflows/model/asset/graph-fault.ts';
import { derivedPlace } from '../../../workflows/model/asset/key.ts';

const pipelines = new Set(['shop']);
const partitions = { kind: 'daily', start: '2026-01-01', output: 'day' } as const;
const orders = { key: 'shop/public.orders', by: 'created_at' };
const daily: AssetDefinition = {
  key: 'a/daily',
  deps: [orders],
  partitions,
  sql: 'from {shop/public.orders} where t >= {start} and t < {end}',
};
const joined: AssetDefinition = {
  ...daily,
  key: 'a/joined',
  deps: [orders, { key: 'shop/public.line%2Eitems', by: 'at' }, 'shop/public.rates'],
  sql: 'from {shop/public.orders} join {shop/public.line%2Eitems} using (id)',
};
const byDay = {
  ...daily,
  key: 'b/by_day',
  deps: ['a/daily'],
  partitions: { ...partitions, start: '2026-02-01' },
  sql: 'from x',
};
const byOther = {
  ...byDay,
  key: 'b/by_other',
  deps: [
    { key: 'shop/public.rates', by: 'at' },
    { key: 'a/daily', by: 'paid_at' },
  ],
};
const above: AssetDefinition = {
  key: 'b/c/above',
  deps: ['b/by_day', { key: 'a/joined', lookup: true }],
  sql: `from {b/by_day}, {a/joined}`,
};
const graphOf = (...assets: readonly LoadedAsset[]) => buildAssetGraph(assets, pipelines);

describe('the asset graph', () => {
  const graph = graphOf(above, byOther, byDay, joined, daily);

  test('has every asset behind what it reads, in whatever order they are declared', () => {
    expect(graph.derived.map(({ key }) => key)).toEqual(['a/daily', 'b/by_day', 'a/joined', 'b/c/above', 'b/by_other']);
  });

  test('knows who reads a table or an asset, and what a changed row of it touches', () => {
    const touches = (edges: ReturnType<typeof graph.readersOf>) => edges.map(({ to, touch }) => [to, touch]);
    const by = (column: string) => ({ tag: 'partitions', columns: [column], partitions });
    expect(touches(graph.readersOf('shop/public.orders'))).toEqual([
      ['a/daily', by('created_at')],
      ['a/joined', by('created_at')],
    ]);
    expect(touches(graph.readersOf('shop/public.line%2Eitems'))).toEqual([['a/joined', by('at')]]);
    expect(touches(graph.readersOf('shop/public.rates'))).toMatchObject([
      ['a/joined', { tag: 'whole' }],
      ['b/by_other', { tag: 'partitions', columns: ['at'] }],
    ]);
    // A derived asset changes partition by partition: that tells a reader of the same division, and by no other column.
    expect(touches(graph.readersOf('a/daily'))).toEqual([
      [
        'b/by_day',
        {
          tag: 'mapped',
          columns: ['day'],
          from: partitions,
          to: { ...partitions, start: '2026-02-01' },
          mapping: [{ kind: 'same', at: 0, start: 0, end: 0 }],
        },
      ],
      ['b/by_other', { tag: 'whole' }],
    ]);
    expect(graph.readersOf('b/c/above')).toEqual([]);
    expect(graph.readersOfPipeline('shop').map(({ from, to }) => [from.table, to])).toEqual([
      ['public.orders', 'a/daily'],
      ['public.orders', 'a/joined'],
      ['public.line%2Eitems', 'a/joined'],
      ['public.rates', 'a/joined'],
      ['public.rates', 'b/by_other'],
    ]);
    expect(graph.readersOfPipeline('other')).toEqual([]);
  });

  test('reads a row by one column for each dimension, in the order of the key', () => {
    const dimensions = {
      day: { ...partitions, output: 'd' },
      region: { kind: 'static', values: ['eu', 'us'], output: 'r' },
    } as const;
    const multi: AssetDefinition = {
      ...daily,
      deps: [{ key: 'shop/public.orders', by: { region: 'country', day: 'created_at' } }],
      partitions: { kind: 'multi', dimensions },
    };
    const regions = graphOf(multi, { ...multi, key: 'r/r', deps: ['a/daily'], sql: 'from {a/daily}' });
    expect(regions.asset('a/daily').inputs[0]?.touch).toMatchObject({ columns: ['created_at', 'country'] });
    expect(regions.asset('r/r').inputs[0]?.touch).toMatchObject({ tag: 'mapped', columns: ['d', 'r'] });
  });

  test('has a lookup as an input, and nothing that its changes make due', () => {
    expect(graph.asset('b/c/above').inputs.map(({ touch }) => touch.tag)).toEqual(['whole', 'none']);
    expect(graph.readersOf('a/joined')).toEqual([]);
  });

  test('knows the table of every asset, and the SQL by these tables', () => {
    const { group, place, sql, inputs } = graph.asset('b/c/above');
    expect([group, place]).toEqual(['b/c', { schema: 'b_c', name: 'above' }]);
    expect(inputs.map(({ from }) => from.place)).toEqual([
      { schema: 'b', name: 'by_day' },
      { schema: 'a', name: 'joined' },
    ]);
    expect(sql).toContainEqual({ tag: 'input', place: { schema: 'a', name: 'joined' } });
    expect(graph.asset('a/joined').sql).toContainEqual({
      tag: 'input',
      place: { schema: 'public', name: 'line.items' },
    });
    expect(graph.asset('a/daily').sql.map(({ tag }) => tag)).toEqual(
      expect.arrayContaining(['text', 'input', 'start', 'end']),
    );
    expect(() => graph.asset('shop/public.orders')).toThrow('no asset "shop/public.orders"');
  });

  test('keeps records of an asset with the first captured table above it', () => {
    const other = { ...daily, key: 'o/o', deps: ['other/public.x'], sql: 'x', partitions: undefined };
    const { partitions: _, ...whole } = other;
    const mixed = { key: 'm/m', deps: ['o/o', 'shop/public.orders'], sql: 'x' };
    const both = buildAssetGraph([mixed, whole], new Set(['shop', 'other']));
    expect(both.derived.map(({ key, pipeline }) => [key, pipeline])).toEqual([
      ['o/o', 'other'],
      ['m/m', 'other'],
    ]);
    expect(graph.asset('b/c/above').pipeline).toBe('shop');
  });
});

describe('definitions with a fault are no graph:', () => {
  test.each<[string, readonly AssetDefinition[], object]>([
    ['a key declared twice', [daily, daily], { tag: 'duplicate-key', asset: 1, what: 'a/daily is declared twice' }],
    [
      'a dependency that is not declared',
      [daily, { ...joined, deps: [orders, 'a/dialy'], sql: '' }],
      { tag: 'unknown-dependency', asset: 1, dep: 1, what: 'names a/dialy, which does not exist' },
    ],
    [
      'a dependency that names a pipeline and no table',
      [{ ...daily, deps: [{ key: 'shop/orders', by: 'at' }], sql: '' }],
      { tag: 'unknown-dependency', asset: 0, dep: 0, what: 'names shop/orders, which does not exist' },
    ],
    [
      'a placeholder that is no dependency',
      [{ ...daily, sql: 'from {shop/public.order-itemz}' }],
      { tag: 'unknown-placeholder', asset: 0, name: 'shop/public.order-itemz' },
    ],
    [
      'bounds without partitions',
      [{ ...above, deps: ['shop/public.orders'], sql: 'select {end}' }],
      { tag: 'no-partitions', asset: 0, name: 'end' },
    ],
    [
      'a dependency named twice',
      [{ ...daily, deps: [orders, 'shop/public.orders'] }],
      { tag: 'repeated-dependency', asset: 0, dep: 1, what: 'names shop/public.orders again' },
    ],
    [
      'a column without partitions',
      [{ ...above, deps: [orders], sql: '' }],
      { tag: 'useless-column', asset: 0, dep: 0 },
    ],
    [
      'a column of a lookup',
      [{ ...daily, deps: [orders, { key: 'shop/public.rates', by: 'at', lookup: true }] }],
      { tag: 'useless-column', asset: 0, dep: 1 },
    ],
    [
      'a dimension that does not exist',
      [{ ...daily, deps: [{ key: 'shop/public.orders', by: { day: 'at' } }] }],
      { tag: 'unknown-dimension', asset: 0, dep: 0, name: 'day' },
    ],
    [
      'a time of partitions that have none',
      [{ ...daily, partitions: { kind: 'static', values: ['eu'], output: 'r' }, sql: '{start}, {partition}' }],
      { tag: 'no-time', asset: 0, name: 'start' },
    ],
    ['partitions without a column', [{ ...daily, deps: ['shop/public.orders'] }], { tag: 'unplaced-rows', asset: 0 }],
    [
      'a circle',
      [
        { ...above, key: 'x', deps: ['y'], sql: '' },
        { ...above, key: 'y', deps: ['z', 'x'], sql: '' },
        { ...above, key: 'z', deps: ['shop/public.orders'], sql: '' },
      ],
      { tag: 'cycle', what: 'wait for each other: x → y → x' },
    ],
    [
      'an asset that reads itself',
      [{ ...above, deps: ['b/c/above'], sql: '' }],
      { tag: 'cycle', what: 'wait for each other: b/c/above → b/c/above' },
    ],
  ])('%s', (_, assets, fault) => {
    expect(graphFaults(assets, pipelines)).toEqual([expect.objectContaining(fault)]);
    expect(() => graphOf(...assets)).toThrow(expect.objectContaining({ code: 'ASSET_INVALID' }));
  });

  test('but an asset may be read along several ways', () => {
    expect(
      graphFaults([daily, byDay, byOther, { ...above, deps: ['b/by_day', 'b/by_other'], sql: '' }], pipelines),
    ).toEqual([]);
  });
});

test('the table of a derived asset comes from its key, or is given', () => {
  expect(derivedPlace({ key: 'a/b/c' })).toEqual({ schema: 'a_b', name: 'c' });
  expect(derivedPlace({ key: 'c' })).toEqual({ schema: 'main', name: 'c' });
  expect(derivedPlace({ key: 'a/b', table: 'x.y' })).toEqual({ schema: 'x', name: 'y' });
  expect(derivedPlace({ key: 'a/b', table: 'y' })).toEqual({ schema: 'main', name: 'y' });
});

describe('a view', () => {
  const regions = { kind: 'static', values: ['eu', 'us'], output: 'region' } as const;
  const staged: LoadedAsset = {
    kind: 'view',
    key: 'staging/orders',
    deps: ['shop/public.orders', { key: 'shop/public.rates', lookup: true }, 'shop/public.customers'],
    sql: 'from {shop/public.orders} join {shop/public.rates} join {shop/public.customers}',
  };
  const above: LoadedAsset = {
    kind: 'view',
    key: 'staging/above',
    deps: ['staging/orders'],
    sql: 'from {staging/orders}',
  };
  const reading = (more: Partial<LoadedAsset>): LoadedAsset => ({
    ...{ key: 'a/reader', deps: ['staging/above'], sql: 'from {staging/above}' },
    ...more,
  });
  const inputsOf = (more: Partial<LoadedAsset>, ...others: readonly LoadedAsset[]) =>
    graphOf(staged, above, ...others, reading(more))
      .asset('a/reader')
      .inputs.map(({ from, touch }) => [from.key, touch]);
  const throughOrders = { key: 'staging/above', by: { at: 'shop/public.orders.created_at' }, zone: 'Europe/Berlin' };

  test('is looked through: its tables are the inputs of what reads it, and lookups stay lookups', () => {
    expect(inputsOf({})).toEqual([
      ['shop/public.orders', { tag: 'whole' }],
      ['shop/public.rates', { tag: 'none' }],
      ['shop/public.customers', { tag: 'whole' }],
    ]);
    expect(inputsOf({ deps: [{ key: 'staging/above', lookup: true }] }).map(([, touch]) => touch)).toEqual(
      Array.from({ length: 3 }, () => ({ tag: 'none' })),
    );
    const graph = graphOf(staged, above, reading({}));
    expect(graph.made.map(({ key }) => key)).toEqual(['staging/orders', 'staging/above', 'a/reader']);
    expect(graph.asset('a/reader').reads.map(({ from }) => from.key)).toEqual(['staging/above']);
    expect(graph.asset('a/reader').sql).toContainEqual({ tag: 'input', place: { schema: 'staging', name: 'above' } });
    expect(graph.readersOf('shop/public.orders').map(({ to }) => to)).toEqual(['a/reader']);
    expect(graph.asset('a/reader').pipeline).toBe('shop');
  });

  test('tells partitions by a column of one of its tables; the others touch all', () => {
    const [orders, , customers] = inputsOf({ deps: [throughOrders], partitions });
    expect(orders?.[1]).toEqual({ tag: 'partitions', columns: ['created_at'], zone: 'Europe/Berlin', partitions });
    expect(customers?.[1]).toEqual({ tag: 'whole' });
    const dimensions = { day: partitions, region: regions };
    const by = { region: 'shop/public.orders.country', day: 'shop/public.orders.created_at' };
    expect(
      inputsOf({ deps: [{ key: 'staging/above', by }], partitions: { kind: 'multi', dimensions } })[0]?.[1],
    ).toMatchObject({ tag: 'partitions', columns: ['created_at', 'country'] });
  });

  test('tells partitions of a derived table by the columns that hold them', () => {
    const over: LoadedAsset = { kind: 'view', key: 'staging/daily', deps: ['a/daily'], sql: 'from {a/daily}' };
    const mapped = (by: object) =>
      inputsOf(
        { deps: [{ key: 'staging/daily', ...by }, orders], partitions, sql: 'from {staging/daily}' },
        daily,
        over,
      );
    expect(mapped({ by: 'a/daily.day' })[0]?.[1]).toMatchObject({ tag: 'mapped', columns: ['day'] });
    expect(mapped({})[0]?.[1]).toEqual({ tag: 'whole' });
  });

  test('that is read beside its table makes both count, and the same only once', () => {
    const both = inputsOf({
      deps: [throughOrders, { ...orders, zone: 'Europe/Berlin' }, 'shop/public.rates', 'shop/public.customers'],
      partitions,
    });
    expect(both.map(([key, touch]) => [key, Object.values(touch ?? {})[0]])).toEqual([
      ['shop/public.orders', 'partitions'],
      ['shop/public.rates', 'none'],
      ['shop/public.customers', 'whole'],
      ['shop/public.rates', 'whole'],
    ]);
  });

  test.each<[string, { readonly by: string }, object]>([
    [
      'no column of its tables',
      { by: 'shop/public.order.at' },
      { tag: 'wrong-base-column', name: 'shop/public.order.at' },
    ],
    [
      'its own column',
      { by: 'at' },
      { tag: 'wrong-base-column', what: expect.stringContaining('names at, which is no') },
    ],
  ])('is not read by %s', (_, dep, fault) => {
    const assets = [staged, above, reading({ deps: [{ key: 'staging/above', ...dep }, orders], partitions })];
    expect(graphFaults(assets, pipelines)).toEqual([expect.objectContaining({ asset: 2, dep: 0, ...fault })]);
  });

  test('is not read by columns of two tables, or without a column by partitions', () => {
    const by = { day: 'shop/public.orders.at', region: 'shop/public.customers.country' };
    const multi = { kind: 'multi', dimensions: { day: partitions, region: regions } } as const;
    const faults = (more: Partial<LoadedAsset>) => graphFaults([staged, above, reading(more)], pipelines);
    expect(
      faults({
        deps: [
          { key: 'staging/above', by },
          { ...orders, by: { day: 'a', region: 'b' } },
        ],
        partitions: multi,
      }),
    ).toEqual([expect.objectContaining({ tag: 'wrong-base-column', what: 'names columns of several tables' })]);
    expect(faults({ partitions })).toEqual([expect.objectContaining({ tag: 'unplaced-rows' })]);
    expect(faults({ deps: [throughOrders], partitions })).toEqual([]);
  });

  test('cannot read itself', () => {
    const circle = { ...above, deps: ['staging/above', 'staging/orders'] };
    expect(graphFaults([staged, circle], pipelines)).toContainEqual(expect.objectContaining({ tag: 'cycle' }));
  });
});
