import { describe, expect, it } from 'vitest';
import { keyOf } from '../../activities/wal/table-identity.ts';
import { type CatalogRow, matchPatterns, schemasOf } from '../../activities/wal/table-match.ts';

const ORDERS: CatalogRow = {
  oid: 1,
  schema: 'public',
  name: 'orders',
  kind: 'r',
  persistence: 'p',
  replicaIdentity: 'd',
  primaryKey: ['id'],
  identityIndex: null,
  leafIdentities: [],
  generatedColumns: [],
  ancestors: [],
  fromExtension: false,
  owned: true,
  selectable: true,
  rowSecurity: false,
  columns: [{ name: 'id', typeOid: 23, typeModifier: -1 }],
  layout: { columnNumbers: [1], attributes: 'a1', storage: 's1' },
};

const row = (change: Partial<CatalogRow>): CatalogRow => ({ ...ORDERS, ...change });
const PG17 = 170_010;
const PG18 = 180_001;

describe('matchPatterns', () => {
  const rows = [
    ORDERS,
    row({ oid: 2, name: 'a_view', kind: 'v' }),
    row({ oid: 3, name: 'spatial_ref_sys', fromExtension: true }),
    row({ oid: 4, name: 'events', kind: 'p', leafIdentities: ['d'] }),
    row({ oid: 5, name: 'events_1', ancestors: [4] }),
    row({ oid: 6, name: 'cache', persistence: 'u' }),
    row({ oid: 7, schema: 'audit', name: 'log', primaryKey: null }),
  ];
  const match = (...patterns: string[]) => matchPatterns(patterns, rows, PG17);
  const namesOf = (...patterns: string[]) => match(...patterns).tables.map((table) => table.captured.table);

  it('takes a whole schema: tables and roots of partitions, no views, partitions, members of extensions', () => {
    expect(namesOf('public.*')).toEqual(['public.events', 'public.orders']);
    expect(match('public.*').obstacles).toEqual([]);
  });

  it('says which tables of a schema it left out, and why', () => {
    expect(match('public.*').notices).toContainEqual(
      expect.stringContaining('public.cache is not captured: it is unlogged'),
    );
  });

  it('takes a table once, however often it is meant', () => {
    expect(namesOf('public.orders', 'public.*', 'public.orders')).toEqual(['public.events', 'public.orders']);
  });

  it('takes a partition by name, but not beside its root', () => {
    expect(namesOf('public.events_1')).toEqual(['public.events_1']);
    expect(namesOf('public.events_1', 'public.events')).toEqual(['public.events']);
  });

  it('names every table asked for that cannot be captured', () => {
    const codes = match('public.a_view', 'public.cache', 'public.nope', 'nope.*', 'orders').obstacles.map(
      (o) => o.code,
    );
    expect(codes).toEqual([
      'SOURCE_TABLE_UNSUPPORTED',
      'SOURCE_TABLE_UNSUPPORTED',
      'SOURCE_TABLE_MISSING',
      'SOURCE_TABLE_MISSING',
      'SOURCE_TABLE_MISSING',
    ]);
  });

  it('says at once that a table without a key is append-only', () => {
    const { tables, notices } = match('audit.log');
    expect(tables[0]?.captured).toMatchObject({ table: 'audit.log', mode: 'append-only', keyColumns: [] });
    expect(notices).toEqual([expect.stringContaining('audit.log has no usable key')]);
  });

  it('reads escaped names', () => {
    expect(schemasOf(['my%2Eschema.a', 'my%2Eschema.b', 'public.*'])).toEqual(['my.schema', 'public']);
  });
});

describe('keyOf', () => {
  it.each<[string, Partial<CatalogRow>, readonly string[]]>([
    ['the primary key by default', {}, ['id']],
    ['nothing without one', { primaryKey: null }, []],
    ['nothing when the identity is NOTHING, even with a primary key', { replicaIdentity: 'n' }, []],
    ['the index named', { replicaIdentity: 'i', identityIndex: ['email'] }, ['email']],
    ['nothing when that index was dropped', { replicaIdentity: 'i', identityIndex: null }, []],
    ['the primary key under FULL', { replicaIdentity: 'f' }, ['id']],
    ['nothing under FULL without a primary key', { replicaIdentity: 'f', primaryKey: null }, []],
    ['the root\u2019s primary key where every partition logs it', { kind: 'p', leafIdentities: ['d', 'f'] }, ['id']],
    ['nothing where one partition logs nothing', { kind: 'p', leafIdentities: ['d', 'n'] }, []],
    ['nothing where one partition logs another key', { kind: 'p', leafIdentities: ['i'] }, []],
    ['nothing when the key is generated: the log does not carry it', { generatedColumns: ['id'] }, []],
  ])('is %s', (_, change, key) => {
    expect(keyOf(row(change), PG17)).toEqual(key);
  });

  it('is nothing from PostgreSQL 18 on where publishing updates would make them fail', () => {
    const full = row({ replicaIdentity: 'f', generatedColumns: ['total'] });
    expect(keyOf(full, PG17)).toEqual(['id']);
    expect(keyOf(full, PG18)).toEqual([]);
    expect(keyOf({ ...full, replicaIdentity: 'd' }, PG18)).toEqual(['id']);
  });
});
