import { expect, test } from 'vitest';
import type { TableState, TableStatus } from '../../activities/warehouse/table-status.ts';
import { verifyScope } from '../../workers/status/verify-scope.ts';

const status = (table: string, state: TableState) => ({ table, state }) as TableStatus;
const KNOWN = {
  configured: { tables: ['public.*'], newTables: 'add' },
  catalog: ['public.a'],
  obstacles: [],
  captured: ['public.a'],
  warehouse: [status('public.a', 'live')],
} as const;
const reasons = (change: Partial<Parameters<typeof verifyScope>[0]>) =>
  verifyScope({ ...KNOWN, ...change }).map((one) => (one.tag === 'comparable' ? one.status.table : one.reason));

test('a table that flows is comparable, whatever the mode', () => {
  expect(reasons({})).toEqual(['public.a']);
  expect(reasons({ warehouse: [status('public.a', 'append-only')] })).toEqual(['public.a']);
});

test.each(['loading', 'paused'] as const)('a table that is %s is named', (state) => {
  expect(reasons({ warehouse: [status('public.a', state)] })).toEqual([
    `the table is ${state}, so it does not follow its source`,
  ]);
});

test('a table that the warehouse, the log or the source does not know is named', () => {
  expect(reasons({ warehouse: [] })).toEqual(['the warehouse does not have it yet']);
  expect(reasons({ captured: [] })).toEqual(['it is not captured yet']);
  expect(reasons({ catalog: [] })).toEqual(['the source no longer has this table']);
});

test('a table that the configuration names and nobody can capture is named with the reason', () => {
  const configured = { tables: ['public.a', 'public.v'], newTables: 'add' } as const;
  const obstacles = ['public.v cannot be captured: it is a view, its rows are not in the log'];
  expect(reasons({ configured, obstacles })).toEqual(['public.a', ...obstacles]);
});

test('a new table that is to be ignored is left out; one that was captured before stays in', () => {
  const catalog = ['public.a', 'public.b'];
  const configured = { tables: ['public.*'], newTables: 'ignore' } as const;
  expect(reasons({ configured, catalog })).toEqual(['public.a']);
});

test('nothing to compare is an empty list, not a table less', () => {
  expect(reasons({ catalog: [], captured: [], warehouse: [status('public.a', 'live')] })).toEqual([]);
});
