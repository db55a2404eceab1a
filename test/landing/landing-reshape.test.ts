// A table whose shape changes in the log: its manifest holds every change, each in the shape it was made in.

import { expect, test } from 'vitest';
import { LiveCapture } from '../../activities/capture/live-capture.ts';
import { schemaVersionOf } from '../../activities/capture/schema-version.ts';
import { Landing } from '../../activities/landing/landing.ts';
import { type LakeStore, ManifestAppender } from '../../activities/landing/manifest-appender.ts';
import type { CaptureEntry, Manifest } from '../../workflows/model/manifest.ts';
import type { CapturedTable, LoggedRelation } from '../../workflows/model/relation.ts';
import { capturedTable, OID } from '../lake/captured-table.ts';

const TABLE = capturedTable([
  ['id', OID.int8],
  ['note', OID.text],
]);
const ENTRY: CaptureEntry = {
  ...TABLE,
  schemaVersion: schemaVersionOf(TABLE),
  snapshot: { id: '00000001-a1', r0Lsn: '0000000000000010', fromSeq: 1 },
};
const NARROW: LoggedRelation = { ...TABLE, identityColumns: ['id'] };
const WIDER: LoggedRelation = {
  ...NARROW,
  columns: [...TABLE.columns, { name: 'more', typeOid: 25, typeModifier: -1 }],
};
const LAKE: LakeStore = { get: async () => null, exists: async () => false, putIfAbsent: async () => 'stored' };

const row = (...values: readonly string[]) => ({
  buffer: Buffer.from(values.join('')),
  starts: Int32Array.from(values, (_, i) => values.slice(0, i).join('').length),
  lengths: Int32Array.from(values, (value) => value.length),
  count: values.length,
});

function landing(r0Lsn = ENTRY.snapshot.r0Lsn) {
  const manifests: Manifest[] = [];
  const capture = new LiveCapture([{ ...ENTRY, snapshot: { ...ENTRY.snapshot, r0Lsn } }]);
  const epoch = { systemIdentifier: '1', slot: 'walflow_shop', consistentPoint: '0000000000000010' };
  let copies = 0;
  const sink = new Landing({
    writer: new ManifestAppender({
      ...{ pipeline: 'shop', lake: LAKE, verifyWrites: false, inlineBytes: 0 },
      position: { head: null, epochNo: 1, epoch, timeline: 1, resumeLsn: 16n, unencoded: false },
      writer: { workflowId: 'ingest/shop', runId: 'r', attempt: 1, nonce: 'abcd1234', version: '0.0.0' },
    }),
    ...{ capture, maxDelayMs: 60_000, maxRows: 1_000, maxBytes: 1 << 20 },
    newSnapshotId: () => `b${++copies}`,
    isBehind: () => false,
    nowMs: () => performance.now(),
    onLanded: ({ manifest }) => void manifests.push(manifest),
    onPressure: () => {},
  });
  const landed = async () => {
    await sink.drain();
    sink.close();
    return manifests;
  };
  return { sink, capture, landed };
}

const filesOf = ([manifest]: readonly Manifest[]) =>
  manifest?.tables.map(({ table, schemaVersion, files }) => [table, schemaVersion, files.map((file) => file.rows)]);

test('changes before and after, also in one transaction, land in one manifest; the copy begins behind them', async () => {
  const { sink, landed } = landing();
  sink.begin(0x20n, 1_700_000_000_000_000, 7);
  sink.change(ENTRY, 'i', 0, false, row('1', 'a'));
  sink.commit(0x20n, 0x28n, 1_700_000_000_000_000);
  sink.begin(0x30n, 1_700_000_000_000_000, 8);
  sink.change(ENTRY, 'i', 1, false, row('2', 'b'));
  const wider = sink.shapeChanged(ENTRY, WIDER) as CapturedTable;
  sink.change(wider, 'u', 2, false, row('2', 'b', 'c'));
  expect(sink.changedTables.size, 'reported before it is recorded').toBe(0);
  sink.commit(0x30n, 0x38n, 1_700_000_000_000_000);
  const manifests = await landed();
  expect(filesOf(manifests)).toEqual([
    ['public.t', ENTRY.schemaVersion, [2]],
    ['public.t', schemaVersionOf(wider), [1]],
  ]);
  expect(manifests[0]?.capture).toEqual([
    {
      ...TABLE,
      columns: WIDER.columns,
      schemaVersion: schemaVersionOf(wider),
      snapshot: { id: '00000001-b1', r0Lsn: '0000000000000031', fromSeq: 1 },
      provisional: true,
    },
  ]);
  expect([...sink.changedTables]).toEqual(['public.t']);
});

test('a shape that comes back is another copy, in the same file as before', async () => {
  const { sink, landed } = landing();
  sink.begin(0x20n, 1_700_000_000_000_000, 7);
  sink.change(ENTRY, 'i', 0, false, row('1', 'a'));
  const wider = sink.shapeChanged(ENTRY, WIDER) as CapturedTable;
  sink.change(wider, 'u', 1, false, row('1', 'b', 'c'));
  const back = sink.shapeChanged(wider, NARROW) as CapturedTable;
  sink.change(back, 'u', 2, false, row('1', 'd'));
  sink.commit(0x20n, 0x28n, 1_700_000_000_000_000);
  const manifests = await landed();
  expect(filesOf(manifests)).toEqual([
    ['public.t', ENTRY.schemaVersion, [2]],
    ['public.t', schemaVersionOf(wider), [1]],
  ]);
  expect(manifests[0]?.capture?.map(({ snapshot }) => snapshot.id)).toEqual(['00000001-b2']);
});

test.each<[string, Partial<LoggedRelation>]>([
  ['a key column is gone', { columns: TABLE.columns.slice(1) }],
  ['it has another key', { identityColumns: ['note'] }],
  ['its identity changed', { replicaIdentity: 'f' }],
  ['another table has its name', { oid: 99 }],
  ['it has another name', { name: 'u' }],
])('%s: the table pauses until it is prepared again, what came before stays', async (_, change) => {
  const { sink, landed } = landing();
  sink.begin(0x20n, 1_700_000_000_000_000, 7);
  sink.change(ENTRY, 'i', 0, false, row('1', 'a'));
  sink.commit(0x20n, 0x28n, 1_700_000_000_000_000);
  sink.begin(0x30n, 1_700_000_000_000_000, 8);
  expect(sink.shapeChanged(ENTRY, { ...NARROW, ...change })).toBeNull();
  sink.change(ENTRY, 'i', 0, false, row('2', 'b'));
  sink.commit(0x30n, 0x38n, 1_700_000_000_000_000);
  const manifests = await landed();
  expect(filesOf(manifests)).toEqual([['public.t', ENTRY.schemaVersion, [1]]]);
  expect(manifests[0]?.capture?.[0]?.paused).toMatchObject({
    code: 'TABLE_SHAPE_CHANGED',
    commitLsn: '0000000000000030',
  });
  expect([...sink.changedTables]).toEqual(['public.t']);
});

test.each([
  ['stored already', 0x0fn, '0000000000000008'],
  ['contained in the copy, which begins behind it', 0x10n, '0000000000000020'],
])('a change that cannot be recorded but is %s pauses nothing: what follows lands', async (_, commitLsn, r0Lsn) => {
  const { sink, capture, landed } = landing(r0Lsn);
  sink.begin(commitLsn, 1_700_000_000_000_000, 7);
  expect(sink.unusable(ENTRY, 'KEY_NOT_IN_LOG', 'no key')).toBe(false);
  expect(sink.shapeChanged(ENTRY, { ...NARROW, replicaIdentity: 'f' })).toBeNull();
  sink.commit(commitLsn, commitLsn + 1n, 1_700_000_000_000_000);
  sink.begin(0x20n, 1_700_000_000_000_000, 8);
  sink.change(ENTRY, 'i', 0, false, row('1', 'a'));
  sink.commit(0x20n, 0x28n, 1_700_000_000_000_000);
  const manifests = await landed();
  expect(filesOf(manifests)).toEqual([['public.t', ENTRY.schemaVersion, [1]]]);
  expect(capture.flowing('public.t')).toBeDefined();
  expect([...sink.changedTables]).toEqual([]);
});

test('one at or behind the beginning of the copy pauses its table', () => {
  const { sink, capture } = landing();
  sink.begin(0x10n, 1_700_000_000_000_000, 7);
  expect(sink.unusable(ENTRY, 'KEY_NOT_IN_LOG', 'no key')).toBe(true);
  expect(capture.flowing('public.t')).toBeUndefined();
});
