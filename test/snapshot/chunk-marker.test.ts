import { expect, test } from 'vitest';
import { snapshotMarkerKey } from '../../activities/lake/object-key.ts';
import { readMarkers, storeMarker } from '../../activities/snapshot/chunk-marker.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { SAMPLE } from '../lake/sample-manifest.ts';
import { MemoryLake } from '../support/memory-lake.ts';

const [entry] = SAMPLE.capture as readonly [CaptureEntry];
const key = (n: number) => snapshotMarkerKey(entry, entry.snapshot.id, n);
const sha256 = 'ab'.repeat(32);

/** As version 0.1.0 stored it. */
const STORED = `{"file":{"key":"snapshot/public/t/1/0-n.parquet","rows":2,"bytes":99,"sha256":"${sha256}"},"lastKey":["7"],"last":false}`;
const FIRST = {
  file: { key: 'snapshot/public/t/1/0-n.parquet', rows: 2, bytes: 99, sha256 },
  lastKey: ['7'],
  last: false,
};

function lakeWith(...markers: readonly string[]): MemoryLake {
  const lake = new MemoryLake([]);
  markers.forEach((text, n) => {
    lake.put(key(n), Buffer.from(text));
  });
  return lake;
}

test('markers are read up to the first that is missing', async () => {
  const lake = lakeWith(STORED, '{"file":null,"lastKey":null,"last":true}');
  expect(await readMarkers(lake, entry)).toEqual([FIRST, { file: null, lastKey: null, last: true }]);
});

test('the marker that another attempt stored first counts', async () => {
  const mine = { file: null, lastKey: ['9'], last: true };
  expect(await storeMarker(lakeWith(STORED), entry, 0, mine)).toEqual(FIRST);
});

test.each([
  ['cut off', STORED.slice(0, 60), 'not JSON'],
  ['foreign', '{"hello":"world"}', 'file'],
  ['of another shape', STORED.replace('["7"]', '[7]'), 'lastKey.0'],
])('a marker that is %s is named and nothing is copied behind it', async (_, text, what) => {
  const failure = { code: 'DATA_FILE_DAMAGED', message: expect.stringMatching(`${key(1)}.*${what}`) };
  await expect(readMarkers(lakeWith(STORED, text), entry)).rejects.toMatchObject(failure);
});
