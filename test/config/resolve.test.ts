import { describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import { adHocProject } from '../../workers/config/ad-hoc.ts';
import type { PROJECT } from '../../workers/config/field.ts';
import { resolveProject } from '../../workers/config/resolve.ts';
import {
  asset,
  captured,
  daily,
  defineConfig,
  dep,
  duckdb,
  eager,
  type ProjectConfig,
  seed,
  sqlFile,
  view,
} from '../../workflows/model/define.ts';
import { ORIGIN, pipeline, project, refused, URL_A } from './sample-project.ts';

type Pipeline = z.input<typeof PROJECT>['pipelines'][string];

test('the validated fields are those of the public types', () => {
  expectTypeOf<keyof z.input<typeof PROJECT>>().toEqualTypeOf<keyof ProjectConfig>();
  expectTypeOf<ProjectConfig['warehouses']>().toExtend<z.input<typeof PROJECT>['warehouses']>();
  expectTypeOf<ProjectConfig['pipelines'][string]['flush']>().toExtend<Pipeline['flush']>();
  expectTypeOf<ProjectConfig['pipelines'][string]['merge']>().toExtend<Pipeline['merge']>();
  expectTypeOf<ProjectConfig['pipelines'][string]['lake']>().toExtend<Pipeline['lake']>();
});

test('PGSSLMODE counts where the source URL names no sslmode', () => {
  const urlWith = (url: string) => {
    const config = project({ pipelines: { shop: pipeline({ url }) } });
    return resolveProject(config, { ...ORIGIN, env: { PGSSLMODE: 'verify-full' } }).pipelines.get('shop')?.source.url;
  };
  expect(urlWith(URL_A)).toBe(`${URL_A}?sslmode=verify-full`);
  expect(urlWith(`${URL_A}?connect_timeout=5`)).toBe(`${URL_A}?connect_timeout=5&sslmode=verify-full`);
  expect(urlWith(`${URL_A}?sslmode=require`)).toBe(`${URL_A}?sslmode=require`);
});

describe('a project', () => {
  const config = defineConfig({
    name: 'shop',
    warehouses: { main: duckdb({ path: './w.duckdb' }) },
    pipelines: { shop: { source: { url: URL_A, tables: ['public.*'] }, lake: { url: 's3://bucket/raw/cdc/' } } },
    assets: [
      asset('analytics/revenue', {
        description: 'Order value per day',
        owners: ['team:finance'],
        tags: { tier: 'gold' },
        deps: [dep('shop/public.orders', { by: 'created_at' })],
        partitions: daily({ start: '2026-01-01', output: 'day' }),
        automation: eager(),
        freshness: { warnAfter: '2 minutes', failAfter: '5 minutes' },
        sql: 'select 1 from {shop/public.orders} where created_at >= {start} and created_at < {end}',
      }),
    ],
  });

  test('gets every default, absolute paths, and durations in milliseconds', () => {
    const resolved = resolveProject(config, ORIGIN);
    expect(resolved.warehouses.get('main')).toMatchObject({ path: '/app/w.duckdb', memoryLimit: '1GB' });
    expect(resolved.pipelines.get('shop')).toEqual({
      name: 'shop',
      warehouse: 'main',
      source: {
        url: URL_A,
        tables: ['public.*'],
        newTables: 'add',
        slot: 'walflow_shop',
        publication: 'walflow_shop',
        maxRowBytes: 268_435_456,
      },
      lake: {
        url: 's3://bucket/raw/cdc/',
        bucket: 'bucket',
        prefix: 'raw/cdc',
        endpoint: undefined,
        region: undefined,
        verifyWrites: false,
        inlineBytes: 49_152,
      },
      flush: { maxDelayMs: 250, maxRows: 100_000, maxBytes: 33_554_432 },
      merge: { maxRows: 1_000_000, maxBytes: 268_435_456 },
      snapshot: { chunkRows: 100_000 },
    });
    expect(resolved.graph.asset('analytics/revenue').definition).toMatchObject({
      ...{ description: 'Order value per day', owners: ['team:finance'], tags: { tier: 'gold' } },
      freshnessLimits: { warnAfterMs: 120_000, failAfterMs: 300_000 },
    });
  });

  test('takes the S3 endpoint and region from the environment, unless it says them itself', () => {
    const env = { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:8333', AWS_REGION: 'r1' };
    expect(resolveProject(config, { ...ORIGIN, env }).pipelines.get('shop')?.lake).toMatchObject({
      endpoint: 'http://127.0.0.1:8333',
      region: 'r1',
    });
  });
});

describe('a wrong file is refused with path and fix:', () => {
  test.each<[string, unknown, string, string]>([
    ['no object', 7, 'must be an object, not a number', ''],
    [
      'unknown key',
      project({ pipelines: { shop: pipeline({}, { flush: { maxDelayMS: 5 } }) } }),
      'pipelines.shop.flush.maxDelayMS is not a field',
      'did you mean pipelines.shop.flush.maxDelayMs?',
    ],
    [
      'unknown key, nothing close',
      project({ colour: 1 }),
      'colour is not a field',
      'the fields here are name, warehouses',
    ],
    [
      'wrong type',
      project({ pipelines: { shop: pipeline({}, { flush: { maxRows: 'many' } }) } }),
      'pipelines.shop.flush.maxRows must be a whole number, not text',
      '',
    ],
    [
      'a fraction',
      project({ pipelines: { shop: pipeline({}, { flush: { maxRows: 1.5 } }) } }),
      'pipelines.shop.flush.maxRows must be a whole number, not a fraction',
      '',
    ],
    [
      'too small',
      project({ pipelines: { shop: pipeline({}, { flush: { maxRows: 0 } }) } }),
      'pipelines.shop.flush.maxRows must be at least 1',
      '',
    ],
    [
      'environment variable that is not set',
      project({ pipelines: { shop: pipeline({ url: undefined }) } }),
      'pipelines.shop.source.url has no value',
      'DATABASE_URL',
    ],
    [
      'missing field',
      project({ pipelines: { shop: { source: { url: URL_A, tables: ['a.b'] } } } }),
      'pipelines.shop.lake is missing',
      'add pipelines.shop.lake',
    ],
    [
      'bad pipeline name',
      project({ pipelines: { 'My-Shop': pipeline() } }),
      'pipelines.My-Shop is not a usable name',
      '',
    ],
    [
      'table without schema',
      project({ pipelines: { shop: pipeline({ tables: ['orders'] }) } }),
      "pipelines.shop.source.tables[0] must be 'schema.table' or 'schema.*'",
      '',
    ],
    [
      'table given twice',
      project({ pipelines: { shop: pipeline({ tables: ['a.b', 'a.b'] }) } }),
      'pipelines.shop.source.tables[1] repeats a.b',
      'once',
    ],
    [
      'no tables',
      project({ pipelines: { shop: pipeline({ tables: [] }) } }),
      'pipelines.shop.source.tables must not be empty',
      '',
    ],
    [
      'unknown choice',
      project({ pipelines: { shop: pipeline({ newTables: 'maybe' }) } }),
      "pipelines.shop.source.newTables must be 'add' or 'ignore'",
      '',
    ],
    [
      'lake elsewhere',
      project({ pipelines: { shop: pipeline({}, { lake: { url: '/tmp/lake' } }) } }),
      'pipelines.shop.lake.url must be a bucket and a folder',
      '',
    ],
    [
      'unknown warehouse',
      project({ pipelines: { shop: pipeline({}, { warehouse: 'mian' }) } }),
      'names warehouse mian, which is not defined',
      'did you mean main?',
    ],
    ['no warehouse', project({ warehouses: {} }), 'warehouses must name at least one warehouse', ''],
    [
      'one file, two warehouses',
      project({ warehouses: { main: duckdb({ path: 'x' }), b: duckdb({ path: './x' }) } }),
      'warehouses.b.path is the file of warehouse main',
      '',
    ],
  ])('%s', (_, config, message, hint) => {
    const failure = refused(config);
    expect(failure.code).toBe('CONFIG_INVALID');
    expect(failure.message).toContain(`walflow.config.ts: `);
    expect(failure.message).toContain(message);
    expect(failure.hint).toContain(hint);
  });

  test('several problems are told at once, the password of a URL never', () => {
    const failure = refused(
      project({ name: 3, pipelines: { shop: pipeline({ url: 'mysql://ann:s3cret@db/x', tables: [1] }) } }),
    );
    expect(failure.message).toContain('name must be text, not a number; ');
    expect(failure.message).toContain('pipelines.shop.source.url must be a URL like');
    expect(failure.toLine()).not.toContain('s3cret');
  });
});

describe('two pipelines must not share', () => {
  const two = (a: object, b: object, aRest: object = {}, bRest: object = { warehouse: 'other' }) =>
    project({
      warehouses: { main: duckdb({ path: 'a' }), other: duckdb({ path: 'b' }) },
      pipelines: { a: pipeline(a, aRest), b: pipeline(b, bRest) },
    });

  test.each<[string, unknown, string]>([
    ['a slot on one server', two({ slot: 's' }, { slot: 's', url: 'postgres://db/b' }), 'pipelines.b.source.slot is s'],
    [
      'a publication in one database',
      two({ publication: 'p' }, { publication: 'p' }),
      'pipelines.b.source.publication is p',
    ],
    [
      'nested folders',
      two({}, {}, { lake: { url: 's3://bucket/raw' } }, { warehouse: 'other', lake: { url: 's3://bucket/raw/a' } }),
      'pipelines.b.lake.url puts its folder',
    ],
    [
      'tables of one warehouse',
      two({}, { tables: ['public.x'] }, {}, {}),
      'pipelines.b.source.tables[0] (public.x) and public.* of pipeline a',
    ],
  ])('%s', (_, config, message) => expect(refused(config).message).toContain(message));

  test('but they may share a lake, a server, and a slot name on different servers', () => {
    const config = two({ slot: 's' }, { slot: 's', url: 'postgres://elsewhere/a' });
    expect(resolveProject(config, ORIGIN).pipelines.size).toBe(2);
  });
});

describe('a project made of flags', () => {
  const flags = { source: URL_A, tables: [], pipeline: 'main', home: '.walflow', folder: '/app', env: {} };

  test('follows schema public into a file of the state folder', () => {
    const resolved = adHocProject(flags);
    expect(resolved.pipelines.get('main')).toMatchObject({
      source: { tables: ['public.*'], slot: 'walflow_main' },
      lake: { bucket: 'walflow' },
      flush: { maxDelayMs: 250 },
    });
    expect(resolved.warehouses.get('main')?.path).toBe('/app/.walflow/warehouse.duckdb');
    expect(resolved.file).toBeNull();
  });

  test('is refused like a file', () => {
    expect(() => adHocProject({ ...flags, pipeline: 'My-Shop' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

describe('assets', () => {
  const graphOf = (more: object) => resolveProject(project(more), ORIGIN).graph;

  test('read what their SQL names, which may be in a file', () => {
    const { graph, files } = resolveProject(
      project({ assets: [asset('analytics/revenue', { deps: 'sql', sql: sqlFile('sql/revenue.sql') })] }),
      ORIGIN,
    );
    const { definition, inputs } = graph.asset('analytics/revenue');
    expect(definition).toMatchObject({
      sql: 'select sum(total) from {shop/public.orders}',
      deps: ['shop/public.orders'],
    });
    expect(inputs.map(({ from }) => from.key)).toEqual(['shop/public.orders']);
    expect(files).toEqual(['/app/walflow.config.ts', '/app/sql/revenue.sql']);
  });

  test('have what the nearest group says, unless they say it themselves; tags are put together', () => {
    const limits = { warnAfter: '1 minute', failAfter: '2 minutes' };
    const of = (key: string, more: object = {}) =>
      asset(key, { deps: 'sql', sql: 'from {shop/public.orders}', ...more });
    const graph = graphOf({
      groups: {
        a: { owners: ['team:a'], tags: { tier: 'gold', area: 'a' }, automation: eager({ every: '1 minute' }) },
        'a/b': { owners: ['team:b'], tags: { tier: 'silver' }, freshness: limits },
        shop: { owners: ['team:shop'] },
      },
      assets: [
        of('a/x'),
        of('a/b/x', { owners: ['me'], tags: { own: 'yes' }, automation: eager() }),
        of('x'),
        view('a/b/v', { deps: 'sql', sql: 'from {shop/public.orders}' }),
        captured('shop/public.orders', { description: 'every order' }),
      ],
    });
    expect(graph.asset('a/x').definition).toMatchObject({
      owners: ['team:a'],
      tags: { tier: 'gold' },
      everyMs: 60_000,
    });
    expect(graph.asset('a/b/x').definition).toMatchObject({
      ...{ owners: ['me'], tags: { tier: 'silver', area: 'a', own: 'yes' }, everyMs: 5_000 },
      freshnessLimits: { warnAfterMs: 60_000, failAfterMs: 120_000 },
    });
    expect(graph.asset('x').definition).not.toHaveProperty('owners');
    expect(graph.views.map(({ definition }) => definition)).toMatchObject([{ kind: 'view', owners: ['team:b'] }]);
    expect(graph.views[0]?.definition).not.toHaveProperty('automation');
    expect(graph.described).toEqual([{ key: 'shop/public.orders', description: 'every order', owners: ['team:shop'] }]);
  });

  test('whose rows are in a file know its content, format and types, and run by themselves', () => {
    const countries = seed('ref/countries', { file: 'seeds/countries.csv', columns: { code: 'VARCHAR' } });
    const notes = seed('ref/notes', { file: 'seeds/notes.txt', format: 'csv', delimiter: ';' });
    const { graph, files } = resolveProject(project({ assets: [countries, notes] }), ORIGIN);
    expect(graph.derived.map(({ definition }) => definition.seed)).toEqual([
      {
        ...{ path: '/app/seeds/countries.csv', format: 'csv', delimiter: ',', hash: 'hash of code,name' },
        columns: { code: 'VARCHAR' },
      },
      { path: '/app/seeds/notes.txt', format: 'csv', delimiter: ';', hash: 'hash of ' },
    ]);
    expect(graph.asset('ref/notes').definition).toMatchObject({ kind: 'seed', everyMs: 5_000 });
    expect(files).toContain('/app/seeds/countries.csv');
  });
});
