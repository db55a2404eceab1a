import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  assertFollows,
  decodeManifest,
  decodeSnapshotComplete,
  encodeManifest,
  encodeSnapshotComplete,
} from '../../activities/lake/manifest-codec.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import type { Manifest, StoredManifest } from '../../workflows/model/manifest.ts';
import { following, SAMPLE, withInline } from './sample-manifest.ts';

const KEY = manifestKey(1);
const failing = (code: string, part = '') => expect.objectContaining({ code, message: expect.stringContaining(part) });
const stored = (manifest: Manifest): StoredManifest => ({ manifest, hash: encodeManifest(manifest).hash });
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('a manifest', () => {
  test('comes back as it was, with the hash of its bytes', () => {
    const { bytes, hash } = encodeManifest(SAMPLE);
    expect(decodeManifest(bytes, KEY)).toEqual({ manifest: SAMPLE, hash });
    expect(hash).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('has the same bytes whatever order its fields were set in', () => {
    const shuffled = Object.fromEntries(Object.entries(SAMPLE).toReversed()) as unknown as Manifest;
    expect(encodeManifest(shuffled).bytes.equals(encodeManifest(SAMPLE).bytes)).toBe(true);
  });

  test('is unreadable when cut anywhere', () => {
    const { bytes } = encodeManifest(SAMPLE);
    for (let length = 0; length < bytes.length - 2; length += 7) {
      expect(() => decodeManifest(bytes.subarray(0, length), KEY)).toThrow(failing('MANIFEST_UNREADABLE', KEY));
    }
  });

  test.each<[string, unknown, string]>([
    ['is foreign', { hello: 'world' }, 'formatVersion'],
    ['is no object', [1, 2], 'the object'],
    [
      'has a field of another type',
      { ...SAMPLE, tables: [{ table: 'public.t', schemaVersion: 'x', files: [{}] }] },
      'tables.0.files.0.key',
    ],
    ['has a short position', { ...SAMPLE, endLsn: '1000100' }, 'endLsn'],
    ['ends before it starts', { ...SAMPLE, endLsn: '0000000000000001' }, 'endLsn'],
    ['has a fraction for a count', { ...SAMPLE, transactions: 1.5 }, 'transactions'],
    ['continues nothing', { ...SAMPLE, seq: 2 }, 'previousHash'],
  ])('is unreadable when it %s', (_, value, path) => {
    expect(() => decodeManifest(json(value), KEY)).toThrow(failing('MANIFEST_UNREADABLE', path));
  });

  test('is unreadable under another number', () => {
    expect(() => decodeManifest(encodeManifest(SAMPLE).bytes, manifestKey(2))).toThrow(
      failing('MANIFEST_UNREADABLE', 'holds manifest 1'),
    );
  });

  test('of a newer format is told from a damaged one, whatever else it holds', () => {
    expect(() => decodeManifest(json({ formatVersion: 3, anything: true }), KEY)).toThrow(
      failing('MANIFEST_NEWER', 'version 3'),
    );
  });

  test('with a file inside comes back with it', () => {
    const manifest = withInline(SAMPLE, () => Buffer.from('PAR1'));
    expect(manifest.tables[0]?.files[0]).toMatchObject({ key: `${KEY}#0`, inline: 'UEFSMQ==', bytes: 4 });
    expect(decodeManifest(encodeManifest(manifest).bytes, KEY).manifest).toEqual(manifest);
  });

  test('with a file inside is refused in version 1, whose readers would look for an object', () => {
    const manifest = { ...withInline(SAMPLE, () => Buffer.from('PAR1')), formatVersion: 1 };
    expect(() => decodeManifest(json(manifest), KEY)).toThrow(failing('MANIFEST_UNREADABLE', 'tables'));
    expect(() => encodeManifest(manifest)).toThrow(failing('INTERNAL', 'tables'));
  });

  test.each(['log/00000000000000000002.json#0', 'data/public/t/a.parquet'])(
    'whose file inside is called %s is refused',
    (key) => {
      const { tables, ...manifest } = withInline(SAMPLE, () => Buffer.from('PAR1'));
      const renamed = tables.map((table) => ({ ...table, files: table.files.map((file) => ({ ...file, key })) }));
      expect(() => encodeManifest({ ...manifest, tables: renamed })).toThrow(failing('INTERNAL', 'tables'));
    },
  );

  test('that could not be read back is never stored', () => {
    expect(() => encodeManifest({ ...SAMPLE, endLsn: '0/100' })).toThrow(failing('INTERNAL', 'endLsn'));
  });

  test('does not show what a wrong field holds', () => {
    expect(() => decodeManifest(json({ ...SAMPLE, endLsn: 'secret' }), KEY)).not.toThrow(/secret/);
  });
});

describe('the log', () => {
  const first = stored(SAMPLE);
  const second = stored(following(SAMPLE));

  test('starts with manifest 1 and goes on with abutting ones', () => {
    expect(() => assertFollows(null, first)).not.toThrow();
    expect(() => assertFollows(first, second)).not.toThrow();
  });

  test('may leave a gap of positions only into a new epoch', () => {
    const epoch = { ...SAMPLE.epoch, consistentPoint: '0000000009000000' };
    const next = following(SAMPLE, { epochNo: 2, epoch, startLsn: '0000000009000000', endLsn: '0000000009000000' });
    expect(() => assertFollows(first, stored(next))).not.toThrow();
  });

  test.each<[string, StoredManifest | null, Partial<Manifest>]>([
    ['its beginning is missing', null, {}],
    ['a number is missing', first, { seq: 3 }],
    ['a number is repeated', second, {}],
    ['the hash of its predecessor differs', first, { previousHash: 'cd'.repeat(32) }],
    ['positions overlap', first, { startLsn: SAMPLE.startLsn }],
    ['positions leave a gap', first, { startLsn: '0000000001000101', endLsn: '0000000001000102' }],
    ['another pipeline wrote it', first, { pipeline: 'other' }],
    ['the slot changed inside an epoch', first, { epoch: { ...SAMPLE.epoch, slot: 'other' } }],
  ])('is broken when %s', (_, previous, changes) => {
    expect(() => assertFollows(previous, stored(following(SAMPLE, changes)))).toThrow(
      failing('LOG_BROKEN', 'manifest'),
    );
  });

  test('is broken when an epoch goes back', () => {
    const later = stored(following(SAMPLE, { epochNo: 2 }));
    const back = stored(following(later.manifest, { epochNo: 1 }));
    expect(() => assertFollows(later, back)).toThrow(failing('LOG_BROKEN', 'epoch 1'));
  });
});

test('a finished copy comes back as it was, and is refused when damaged or newer', () => {
  const complete = {
    formatVersion: 1,
    table: 'public.t',
    id: '00000001-a1b2',
    r0Lsn: '0000000001000000',
    endLsn: '0000000001000200',
    rows: 3,
    files: [{ key: 'snapshot/public/t/00000001-a1b2/00000000-n.parquet', rows: 3, bytes: 99, sha256: 'ab'.repeat(32) }],
  };
  const { bytes } = encodeSnapshotComplete(complete);
  expect(decodeSnapshotComplete(bytes, 'complete.json')).toEqual(complete);
  expect(() => decodeSnapshotComplete(bytes.subarray(0, 40), 'complete.json')).toThrow(failing('MANIFEST_UNREADABLE'));
  expect(() => decodeSnapshotComplete(json({ ...complete, formatVersion: 2 }), 'c')).toThrow(failing('MANIFEST_NEWER'));
});
