import { describe, expect, test } from 'vitest';
import { resolveProject } from '../../workers/config/resolve.ts';
import { captured, duckdb, lastPartitions, seed, sqlFile, view } from '../../workflows/model/define.ts';
import { ORIGIN, pipeline, project, refused } from './sample-project.ts';

const revenue = (more: object = {}) => ({
  key: 'analytics/revenue',
  deps: ['shop/public.orders'],
  sql: 'select 1 from {shop/public.orders}',
  ...more,
});

const DAILY = { kind: 'daily', start: '2026-01-01', output: 'day' };
const REGION = { kind: 'static', values: ['eu', 'us'], output: 'region' };
const BY_REGION = { kind: 'multi', dimensions: { day: DAILY, region: REGION } };
const byAt = (more: object = {}) => [{ key: 'shop/public.orders', by: 'at', ...more }];

describe('an asset is refused when', () => {
  test.each<[string, readonly object[], string, string]>([
    [
      'its dependency is misspelt',
      [revenue({ deps: ['shop/public.orders', 'analytics/x'] }), revenue({ key: 'analytics/xy', table: 'a.b' })],
      'assets[0].deps[1] names analytics/x, which does not exist',
      'did you mean analytics/xy?',
    ],
    [
      'its dependency is not captured',
      [revenue({ deps: ['shop/other.orders'], sql: 'select 1' })],
      'assets[0].deps[0] names other.orders, which pipeline shop does not capture',
      "add 'other.orders'",
    ],
    [
      'its SQL reads what it does not wait for',
      [revenue({ sql: 'select 1 from {shop/public.order}' })],
      'assets[0].sql reads {shop/public.order}, which is not in deps',
      'did you mean {shop/public.orders}?',
    ],
    [
      'its SQL names a table with a hyphen wrongly',
      [revenue({ deps: ['shop/public.order-items'], sql: 'select 1 from {shop/public.order-itemz}' })],
      'assets[0].sql reads {shop/public.order-itemz}, which is not in deps',
      'did you mean {shop/public.order-items}?',
    ],
    [
      'its SQL misspells a bound',
      [
        revenue({
          deps: byAt(),
          partitions: DAILY,
          sql: 'select 1 from {shop/public.orders} where at >= {strat}',
        }),
      ],
      'assets[0].sql reads {strat}, which is not in deps',
      'did you mean {start}?',
    ],
    [
      'its dependency is no table',
      [revenue({ deps: ['shop/orders'], sql: 'select 1' })],
      'assets[0].deps[0] names shop/orders, which does not exist',
      'name <pipeline>/<schema>.<table>',
    ],
    [
      'its week begins on another day',
      [revenue({ partitions: { ...DAILY, kind: 'weekly' } })],
      'assets[0].partitions.start must be the Monday of a week',
      'did you mean 2025-12-29?',
    ],
    [
      'its last hour is none',
      [revenue({ partitions: { ...DAILY, kind: 'hourly', end: 'soon' } })],
      'assets[0].partitions.end must be an hour like 2026-01-31T09',
      'write an hour',
    ],
    [
      'it ends before it begins',
      [revenue({ partitions: { ...DAILY, kind: 'monthly', end: '2025-12' } })],
      'assets[0].partitions.end must be later than start',
      '',
    ],
    [
      'its zone is misspelt',
      [revenue({ partitions: { ...DAILY, timezone: 'Europe/Berln' } })],
      'assets[0].partitions.timezone names zone Europe/Berln, which does not exist',
      'did you mean Europe/Berlin?',
    ],
    [
      'the zone of a column is misspelt',
      [revenue({ deps: byAt({ zone: 'America/NewYork' }), partitions: DAILY })],
      'assets[0].deps[0].zone names zone America/NewYork, which does not exist',
      'did you mean America/New_York?',
    ],
    [
      'a zone has no column',
      [revenue({ deps: [{ key: 'shop/public.orders', zone: 'UTC' }] })],
      'assets[0].deps[0].by names zone UTC, but no column',
      "leave out 'by', 'zone'",
    ],
    [
      'its kind of partitions is misspelt',
      [revenue({ partitions: { ...DAILY, kind: 'dayly' } })],
      'assets[0].partitions.kind must be made with hourly, daily,',
      '',
    ],
    [
      'a dimension is misspelt',
      [revenue({ deps: [{ key: 'shop/public.orders', by: { day: 'at', regoin: 'c' } }], partitions: BY_REGION })],
      'assets[0].deps[0].by names dimension regoin, which the partitions do not have',
      'did you mean region?',
    ],
    [
      'a dimension has no column',
      [revenue({ deps: byAt(), partitions: BY_REGION })],
      'assets[0].deps[0].by names no column for dimension day',
      "write by: { day: '<column>', region: '<column>' }",
    ],
    [
      'its only dimension is one of several',
      [revenue({ deps: byAt(), partitions: { kind: 'multi', dimensions: { day: DAILY } } })],
      'assets[0].partitions.dimensions must be two or three',
      '',
    ],
    [
      'two dimensions have one column',
      [revenue({ partitions: { kind: 'multi', dimensions: { day: DAILY, again: { ...REGION, output: 'day' } } } })],
      'assets[0].partitions.dimensions.again.output is the column of another dimension',
      '',
    ],
    [
      'a zone of a dimension is misspelt',
      [
        revenue({
          partitions: { kind: 'multi', dimensions: { ...BY_REGION.dimensions, day: { ...DAILY, timezone: 'UCT1' } } },
        }),
      ],
      'assets[0].partitions.dimensions.day.timezone names zone UCT1',
      '',
    ],
    [
      'a value is listed twice',
      [revenue({ partitions: { ...REGION, values: ['eu', 'us', 'eu'] } })],
      'assets[0].partitions.values[2] names eu again',
      'once',
    ],
    [
      'its SQL has a time that its partitions do not have',
      [revenue({ partitions: REGION, sql: 'select {start} from {shop/public.orders}' })],
      'assets[0].sql uses {start}, but its partitions are not by one time',
      'use {partition}',
    ],
    [
      'its column stands where it was in earlier versions',
      [revenue({ partitions: { ...DAILY, dep: 'at' } })],
      'assets[0].partitions.dep is not a field any more',
      "deps: [dep('<its key>', { by: '<column>' })]",
    ],
    [
      'it has a column and no partitions',
      [revenue({ deps: byAt() })],
      'assets[0].deps[0].by names column at, but the asset has no partitions',
      'add partitions',
    ],
    [
      'a lookup has a column',
      [revenue({ deps: [...byAt({ lookup: true }), { key: 'shop/public.items', by: 'at' }], partitions: DAILY })],
      'assets[0].deps[0].by names column at of a lookup',
      "leave out 'by'",
    ],
    [
      'it has partitions and no column',
      [revenue({ partitions: DAILY })],
      'assets[0].deps has partitions, but no dependency tells',
      "dep('<key>', { by: '<column>' })",
    ],
    [
      'a dependency is named twice',
      [revenue({ deps: ['shop/public.orders', { key: 'shop/public.orders', lookup: true }] })],
      'assets[0].deps[1] names shop/public.orders again',
      'once',
    ],
    [
      'an option of a dependency is misspelt',
      [revenue({ deps: [{ key: 'shop/public.orders', lokup: true }] })],
      'assets[0].deps[0].lokup is not a field',
      'did you mean assets[0].deps[0].lookup?',
    ],
    [
      'what its SQL reads does not exist',
      [revenue({ deps: 'sql', sql: 'from {analytics/x}' }), revenue({ key: 'analytics/xy', table: 'a.b' })],
      'assets[0].sql names analytics/x, which does not exist',
      'did you mean analytics/xy?',
    ],
    [
      'its SQL reads nothing',
      [revenue({ deps: 'sql', sql: 'select 1' })],
      'assets[0].sql names no asset that it reads',
      'write {key}',
    ],
    [
      'its SQL is in no file',
      [revenue({ sql: sqlFile('sql/revenu.sql') })],
      'assets[0].sql.path names file sql/revenu.sql, which cannot be read',
      'did you mean sql/revenue.sql?',
    ],
    [
      'its SQL is in an empty file',
      [revenue({ sql: sqlFile('sql/empty.sql') })],
      'assets[0].sql.path names file sql/empty.sql, which is empty',
      'write the SQL',
    ],
    ['its SQL is no text', [revenue({ sql: 7 })], 'assets[0].sql must be text or sqlFile', ''],
    [
      'its window has no partition',
      [
        revenue({ deps: byAt(), partitions: DAILY }),
        revenue({
          key: 'a/week',
          deps: [{ key: 'analytics/revenue', mapping: lastPartitions(0) }],
          partitions: DAILY,
          sql: 'from {analytics/revenue}',
        }),
      ],
      'assets[1].deps[0].mapping has a window that ends before it starts',
      '',
    ],
    [
      'a described table does not exist',
      [captured('shop/orders', {})],
      'assets[0].key names shop/orders, which is no captured table',
      'write <pipeline>/<schema>.<table>',
    ],
    [
      'a described table is not captured',
      [captured('shop/other.orders', {})],
      'assets[0].key names other.orders, which pipeline shop does not capture',
      "add 'other.orders'",
    ],
    [
      'a table is described twice',
      [captured('shop/public.orders', {}), captured('shop/public.orders', {})],
      'assets[1].key describes shop/public.orders again',
      'once',
    ],
    [
      'a captured table has what only other assets have',
      [{ ...captured('shop/public.orders', {}), automation: {} }],
      'assets[0].automation is not a field',
      'the fields here are kind, key, description, owners, tags, freshness',
    ],
    [
      'a captured table stands before one that is wrong',
      [captured('shop/public.orders', {}), revenue({ deps: ['shop/public.orders', 'analytics/x'] })],
      'assets[1].deps[1] names analytics/x, which does not exist',
      '',
    ],
    [
      'its column of a view is misspelt',
      [
        view('staging/orders', { deps: 'sql', sql: 'from {shop/public.orders}' }),
        revenue({
          deps: [{ key: 'staging/orders', by: 'shop/public.order.at' }],
          partitions: DAILY,
          sql: 'from {staging/orders}',
        }),
      ],
      'assets[1].deps[0].by names shop/public.order.at, which is no column of a table that the view reads',
      'did you mean shop/public.orders.at?',
    ],
    [
      'a view has bounds',
      [view('staging/orders', { deps: 'sql', sql: 'from {shop/public.orders} where at >= {start}' })],
      'assets[0].sql uses {start}, but the asset has no partitions',
      'a view has no partitions',
    ],
    [
      'a view runs by itself',
      [{ ...view('staging/orders', { deps: 'sql', sql: 'from {shop/public.orders}' }), automation: {} }],
      'assets[0].automation is not a field',
      'the fields here are',
    ],
    [
      'the file of a seed is misspelt',
      [seed('ref/countries', { file: 'seeds/country.csv' })],
      'assets[0].file names file seeds/country.csv, which cannot be read',
      'did you mean seeds/countries.csv?',
    ],
    [
      'the file of a seed tells no format',
      [seed('ref/countries', { file: 'seeds/notes.txt' })],
      'assets[0].file names file seeds/notes.txt, whose ending tells no format',
      "set format: 'csv'",
    ],
    [
      'a type of a seed is more than a type',
      [seed('ref/countries', { file: 'seeds/countries.csv', columns: { code: 'INT) from x --' } })],
      "assets[0].columns.code must be a type like 'DATE'",
      '',
    ],
    [
      'its kind is unknown',
      [revenue({ kind: 'tabel' })],
      'assets[0].kind must be made with asset, view, seed or captured',
      '',
    ],
    ['a dependency is no text', [revenue({ deps: [7] })], 'assets[0].deps[0] must be', ''],
    ['its key is a bound', [revenue({ key: 'start' })], 'assets[0].key is start, and {start}', 'choose another key'],
    [
      'its SQL uses days without partitions',
      [revenue({ sql: 'select {start}' })],
      'assets[0].sql uses {start}',
      'daily',
    ],
    ['its key is declared twice', [revenue(), revenue()], 'assets[1].key analytics/revenue is declared twice', ''],
    [
      'its table is another one’s',
      [revenue(), revenue({ key: 'x', table: 'Analytics.Revenue' })],
      'assets[1].table writes table analytics.revenue, as asset analytics/revenue does',
      '',
    ],
    [
      'its table is a captured one',
      [revenue({ key: 'public/orders' })],
      'assets[0].key writes table public.orders, which pipeline shop captures',
      '',
    ],
    [
      'its table is walflow’s own',
      [revenue({ table: '_walflow.ledger' })],
      'assets[0].table writes into schema _walflow',
      '',
    ],
    [
      'its key looks captured',
      [revenue({ key: 'shop/x' })],
      'assets[0].key shop/x begins with the name of pipeline shop',
      '',
    ],
    [
      'its key ends in a word of the API',
      [revenue({ key: 'a/materializations' })],
      'ends in a word that the HTTP API uses',
      '',
    ],
    [
      'it fails before it warns',
      [revenue({ freshness: { warnAfter: '5 min', failAfter: '2 min' } })],
      'assets[0].freshness.warnAfter must be shorter than failAfter',
      '',
    ],
    [
      'its age is no duration',
      [revenue({ freshness: { warnAfter: 'soon', failAfter: '2 min' } })],
      "assets[0].freshness.warnAfter must be a duration like '30 seconds'",
      '',
    ],
    [
      'its first day is none',
      [revenue({ partitions: { ...DAILY, start: '2026-02-30' } })],
      'assets[0].partitions.start must be a day like 2026-01-31',
      '',
    ],
    [
      'assets wait for each other',
      [revenue({ key: 'a/x', deps: ['b/y'], sql: 'x' }), revenue({ key: 'b/y', deps: ['a/x'], sql: 'y' })],
      'assets wait for each other: a/x → b/y → a/x',
      '',
    ],
  ])('%s', (_, assets, message, hint) => {
    const failure = refused(project({ assets }));
    expect(failure.message).toContain(message);
    expect(failure.hint).toContain(hint);
  });

  test('there is no warehouse main to make it in', () => {
    const elsewhere = {
      warehouses: { lake: duckdb({ path: 'x' }) },
      pipelines: { shop: pipeline({}, { warehouse: 'lake' }) },
    };
    expect(refused(project({ ...elsewhere, assets: [revenue()] })).message).toContain(
      'warehouse main, which is not defined',
    );
  });

  test.each([
    [{ analytcs: {} }, 'groups.analytcs is a group without assets', 'did you mean analytics?'],
    [{ shop: { automation: { kind: 'eager' } } }, 'groups.shop.automation is about captured tables', 'leave it out'],
    [{ analytics: { owner: [] } }, 'groups.analytics.owner is not a field', 'did you mean groups.analytics.owners?'],
  ])('its group %j cannot be', (groups, message, hint) => {
    const failure = refused(project({ groups, assets: [revenue(), captured('shop/public.orders', {})] }));
    expect(failure.message).toContain(message);
    expect(failure.hint).toContain(hint);
  });

  test('a struct in its SQL is no placeholder', () => {
    const sql = "select {'a': 1, b: 2} from {shop/public.orders}";
    expect(resolveProject(project({ assets: [revenue({ sql })] }), ORIGIN).graph.derived).toHaveLength(1);
  });
});
