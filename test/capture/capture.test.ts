import { expect, test } from 'vitest';
import { reconcileCapture } from '../../activities/capture/capture.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import type { CapturedTable } from '../../workflows/model/relation.ts';

const orders: CapturedTable = {
  table: 'public.orders',
  schema: 'public',
  name: 'orders',
  oid: 1,
  mode: 'keyed',
  keyColumns: ['id'],
  replicaIdentity: 'd',
  columns: [{ name: 'id', typeOid: 20, typeModifier: -1 }],
};
const users: CapturedTable = { ...orders, table: 'public.users', name: 'users', oid: 2 };

function reconcile(
  catalog: readonly CapturedTable[],
  captured: readonly CaptureEntry[],
  resync: readonly string[] = [],
  unreadable: Parameters<typeof reconcileCapture>[0]['unreadable'] = new Map(),
  exact: readonly string[] = [],
) {
  let ids = 0;
  return reconcileCapture({
    catalog,
    captured,
    resync: new Set(resync),
    exact: new Set(exact),
    unreadable,
    endLsn: '00000000000000aa',
    r0Lsn: '00000000000000ff',
    seq: 7,
    newId: () => `new${ids++}`,
  });
}

const recorded = (catalog: readonly CapturedTable[]) => reconcile(catalog, []).capture;

test('what is recorded already stays as it is', () => {
  const captured = recorded([orders, users]);
  expect(reconcile([orders, users], captured)).toEqual({ capture: captured, changed: false });
});

test('a new table gets a copy of its own that begins at R0, the others keep theirs', () => {
  const captured = recorded([orders]);
  const { capture, changed } = reconcile([orders, users], captured);
  expect(changed).toBe(true);
  expect(capture[0]).toBe(captured[0]);
  expect(capture[1]?.snapshot).toEqual({ id: '00000007-new0', r0Lsn: '00000000000000ff', fromSeq: 7 });
});

test('a table that is gone is no longer captured', () => {
  expect(reconcile([orders], recorded([orders, users]))).toMatchObject({
    capture: [{ table: 'public.orders' }],
    changed: true,
  });
});

test.each([
  ['another column', { columns: [...orders.columns, { name: 'note', typeOid: 25, typeModifier: -1 }] }],
  ['another type', { columns: [{ name: 'id', typeOid: 23, typeModifier: -1 }] }],
  ['another key', { keyColumns: [] }],
  ['another mode', { mode: 'append-only' as const }],
  ['another table of the same name', { oid: 99 }],
])('%s means a new copy', (_, change) => {
  const captured = recorded([orders]);
  const { capture, changed } = reconcile([{ ...orders, ...change }], captured);
  expect(changed).toBe(true);
  expect(capture[0]?.snapshot.fromSeq).toBe(7);
  expect(capture[0]).toMatchObject(change);
});

const LAYOUT = { columnNumbers: [1], attributes: 'a1', storage: 's1' };

test.each([
  ['other columns of the same names and types', { columnNumbers: [2], attributes: 'a2' }, true],
  ['columns altered and rows rewritten', { attributes: 'a2', storage: 's2' }, true],
  ['columns altered, rows left alone', { attributes: 'a2' }, false],
  ['rows rewritten or truncated, columns left alone', { storage: 's2' }, false],
])('%s: a new copy? %o %s', (_, change, copied) => {
  const captured = recorded([{ ...orders, layout: LAYOUT }]);
  expect(reconcile([{ ...orders, layout: { ...LAYOUT, ...change } }], captured).changed).toBe(copied);
});

test('a table recorded without its layout gets it, and keeps its copy', () => {
  const [entry] = recorded([orders]);
  const { capture, changed } = reconcile([{ ...orders, layout: LAYOUT }], [entry as CaptureEntry]);
  expect(changed).toBe(true);
  expect(capture).toEqual([{ ...entry, layout: LAYOUT }]);
});

test('a table that only the log has described gets a copy that begins behind what the catalog says', () => {
  const [entry] = recorded([orders]);
  const provisional: CaptureEntry = { ...(entry as CaptureEntry), provisional: true };
  const { capture } = reconcile([{ ...orders, layout: LAYOUT }], [provisional]);
  expect(capture).toEqual(recorded([{ ...orders, layout: LAYOUT }]));
  const paused: CaptureEntry = { ...provisional, paused: { code: 'VALUE_NOT_EXACT', reason: 'x', commitLsn: '0' } };
  expect(reconcile([{ ...orders, layout: LAYOUT }], [paused])).toEqual({ capture: [paused], changed: false });
});

test.each([
  ['created in its place', ['5/90', '6/91'], false],
  ['attached with rows', ['5/90', '6/91+'], true],
  ['gone', [], true],
  ['attached again', ['5/91+'], true],
])('a partition %s: it is recorded, with a new copy? %o %s', (_, leaves, copied) => {
  const [entry] = recorded([{ ...orders, layout: { ...LAYOUT, leaves: ['5/90+'] } }]);
  const layout = { ...LAYOUT, storage: 's2', leaves };
  const { capture, changed } = reconcile([{ ...orders, layout }], [entry as CaptureEntry]);
  expect(changed).toBe(true);
  expect(capture[0]?.layout).toEqual(layout);
  expect(capture[0]?.snapshot === entry?.snapshot).toBe(!copied);
});

test.each([
  ['added', ['label 1:a', 'label 2:b', 'label 3:c'], false],
  ['renamed', ['label 1:a', 'label 2:c'], true],
])('a label of an enum is %s: it is recorded, with a new copy? %o %s', (_, dependencies, copied) => {
  const [entry] = recorded([{ ...orders, layout: { ...LAYOUT, dependencies: ['label 1:a', 'label 2:b'] } }]);
  const layout = { ...LAYOUT, dependencies };
  const { capture, changed } = reconcile([{ ...orders, layout }], [entry as CaptureEntry]);
  expect(changed).toBe(true);
  expect(capture[0]?.layout).toEqual(layout);
  expect(capture[0]?.snapshot === entry?.snapshot).toBe(!copied);
});

test('what values depend on is recorded where it was not, without a new copy', () => {
  const [entry] = recorded([{ ...orders, layout: LAYOUT }]);
  const layout = { ...LAYOUT, dependencies: ['label 1:a'] };
  const { capture } = reconcile([{ ...orders, layout }], [entry as CaptureEntry]);
  expect(capture).toEqual([{ ...entry, layout }]);
});

test('a resync copies the table again and ends its pause', () => {
  const [entry] = recorded([orders]);
  const paused = { ...(entry as CaptureEntry), paused: { code: 'VALUE_NOT_EXACT', reason: 'x', commitLsn: '0' } };
  expect(reconcile([orders], [paused]).changed, 'a pause that needs a person stays').toBe(false);
  expect(reconcile([orders], [paused], ['public.orders']).capture[0]?.paused).toBeUndefined();
});

test('a resync asked for in one transaction says so, until the next one; without a key every copy is', () => {
  const log: CapturedTable = {
    ...users,
    table: 'public.log',
    name: 'log',
    oid: 3,
    mode: 'append-only',
    keyColumns: [],
  };
  const names = ['public.orders', 'public.log'];
  const captured = reconcile([orders, users, log], [], names, new Map(), names).capture;
  expect(captured.map(({ snapshot }) => snapshot.exact)).toEqual([true, undefined, undefined]);
  expect(reconcile([orders, users, log], captured).changed).toBe(false);
  expect(reconcile([orders], [captured[0] as CaptureEntry], names).capture[0]?.snapshot.exact).toBeUndefined();
});

test.each(['TABLE_SHAPE_CHANGED', 'PUBLICATION_CHANGED', 'SOURCE_PERMISSION_DENIED', 'SOURCE_ROW_SECURITY'])(
  'a pause because of %s ends by itself, with a new copy',
  (code) => {
    const [entry] = recorded([orders]);
    const paused = { ...(entry as CaptureEntry), paused: { code, reason: 'x', commitLsn: '0' } };
    const { capture, changed } = reconcile([orders], [paused]);
    expect([changed, capture[0]?.paused, capture[0]?.snapshot.fromSeq]).toEqual([true, undefined, 7]);
  },
);

test('a table that may not be read pauses where the log ends, once, whatever was asked; the others go on', () => {
  const captured = recorded([orders, users]);
  const denied = new Map([['public.orders', { code: 'SOURCE_PERMISSION_DENIED', message: 'may not read' }]]);
  const { capture } = reconcile([orders, users], captured, [], denied);
  const paused = { code: 'SOURCE_PERMISSION_DENIED', reason: 'may not read', commitLsn: '00000000000000aa' };
  expect(capture).toEqual([{ ...captured[0], paused }, captured[1]]);
  expect(reconcile([orders, users], capture, ['public.orders'], denied)).toEqual({ capture, changed: false });
  const other = [{ ...(captured[0] as CaptureEntry), paused: { ...paused, code: 'VALUE_NOT_EXACT' } }];
  expect(reconcile([orders], other, [], denied).changed, 'what a person has to repair stays first').toBe(false);
});
