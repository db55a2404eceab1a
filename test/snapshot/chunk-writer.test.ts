import { expect, test } from 'vitest';
import type { ManifestStore } from '../../activities/lake/log.ts';
import { readMarkers } from '../../activities/snapshot/chunk-marker.ts';
import { ChunkWriter } from '../../activities/snapshot/chunk-writer.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { SAMPLE } from '../lake/sample-manifest.ts';
import { rowOf } from '../support/row.ts';

const [entry] = SAMPLE.capture as readonly [CaptureEntry];

function emptyLake(): ManifestStore {
  const objects = new Map<string, Buffer>();
  return {
    get: async (key) => objects.get(key) ?? null,
    exists: async (key) => objects.has(key),
    putIfAbsent: async (key, body) => {
      objects.set(key, Buffer.from(body));
      return 'stored';
    },
  };
}

test('rows that were thrown away are in no chunk and are not counted', async () => {
  const lake = emptyLake();
  const chunks = new ChunkWriter(lake, entry, false);
  const take = (...ids: readonly string[]) => {
    for (const id of ids) chunks.take(rowOf([id, null]));
  };
  chunks.begin(1n);
  take('1', '2');
  await chunks.cut({ lastKey: ['2'], last: false });
  take('3', '4', '5');
  chunks.discard();
  take('3');
  await chunks.cut({ lastKey: ['3'], last: true });
  await chunks.settle();
  expect(chunks.rows).toBe(3);
  expect(chunks.files.map(({ rows }) => rows)).toEqual([2, 1]);
  expect((await readMarkers(lake, entry)).map(({ file, lastKey }) => [file?.rows, lastKey])).toEqual([
    [2, ['2']],
    [1, ['3']],
  ]);
});
