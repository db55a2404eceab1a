import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dataKey,
  holderOf,
  inlineKey,
  manifestKey,
  snapshotChunkKey,
  snapshotCompleteKey,
  snapshotMarkerKey,
} from '../../activities/lake/object-key.ts';

const PLACE = {
  schema: 'public',
  name: 'orders',
  seq: 42,
  part: 0,
  commitTimeUs: 1_768_000_000_123_456,
  nonce: 'a1b2',
};

describe('keys', () => {
  test('have the layout of the lake', () => {
    expect(manifestKey(7)).toBe('log/00000000000000000007.json');
    expect(dataKey(PLACE)).toBe('data/public/orders/dt=2026-01-09/hr=23/00000000000000000042-0-a1b2.parquet');
    expect(snapshotChunkKey(PLACE, 's1', 3, 'n')).toBe('snapshot/public/orders/s1/00000003-n.parquet');
    expect(snapshotMarkerKey(PLACE, 's1', 3)).toBe('snapshot/public/orders/s1/00000003.json');
    expect(snapshotCompleteKey(PLACE, 's1')).toBe('snapshot/public/orders/s1/complete.json');
  });

  test('of files inside a manifest say in which one; no object has such a key', () => {
    expect(inlineKey(7, 2)).toBe('log/00000000000000000007.json#2');
    expect(holderOf(inlineKey(7, 2))).toBe(7);
    const objects = [manifestKey(7), dataKey({ ...PLACE, schema: 'log', name: '7.json#2' })];
    expect(objects.map(holderOf)).toEqual([null, null]);
  });

  test('place a commit before 1970 in its own hour', () => {
    expect(dataKey({ ...PLACE, commitTimeUs: -1 })).toContain('/dt=1969-12-31/hr=23/');
  });

  test('sort as the manifests they name', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        expect(Math.sign(a - b)).toBe(manifestKey(a) < manifestKey(b) ? -1 : Number(a !== b));
      }),
    );
  });

  test('of two tables never share a folder, whatever their names', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', '.', '/', '%', '2', 'E', 'é', ' ', '=', "'", '"'),
      minLength: 1,
    });
    fc.assert(
      fc.property(name, name, name, name, (s1, n1, s2, n2) => {
        const a = snapshotCompleteKey({ schema: s1, name: n1 }, 'x');
        const b = snapshotCompleteKey({ schema: s2, name: n2 }, 'x');
        expect(a === b).toBe(s1 === s2 && n1 === n2);
        expect(a).toMatch(/^snapshot\/[A-Za-z0-9_~%-]+\/[A-Za-z0-9_~%-]+\/x\/complete\.json$/);
      }),
    );
  });
});
