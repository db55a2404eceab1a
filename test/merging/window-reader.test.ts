import { expect, test } from 'vitest';
import { withoutBodies } from '../../activities/lake/inline-file.ts';
import { encodeManifest } from '../../activities/lake/manifest-codec.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import { WindowReader } from '../../activities/merging/window-reader.ts';
import type { Manifest } from '../../workflows/model/manifest.ts';
import { following, SAMPLE } from '../lake/sample-manifest.ts';
import { inlineLogOf, logOf, MemoryLake } from '../support/memory-lake.ts';

const asIs = (manifest: Manifest) => manifest;
const UNBOUNDED = { maxRows: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER };

test('a log that is thousands of small files ahead comes in windows, none of which lacks a manifest', async () => {
  const reader = new WindowReader(new MemoryLake(logOf(2_500)), UNBOUNDED, asIs);
  const windows: number[][] = [];
  for (let window = await reader.next(); window !== null; window = await reader.next()) {
    windows.push(window.map(({ manifest }) => manifest.seq));
  }
  expect(windows.flat()).toEqual(Array.from({ length: 2_500 }, (_, i) => i + 1));
  expect(Math.max(...windows.map((window) => window.length))).toBeLessThanOrEqual(1_000);
});

test('a log that ends before the watermark, or holds another manifest there, is not merged on', async () => {
  const reader = new WindowReader(new MemoryLake(logOf(3)), UNBOUNDED, asIs);
  const watermark = { epochNo: 1, endLsn: SAMPLE.endLsn, effectiveTime: null, manifestHash: 'other' };
  await expect(reader.start({ ...watermark, seq: 9 })).rejects.toMatchObject({ code: 'WATERMARK_AHEAD' });
  await expect(reader.start({ ...watermark, seq: 2 })).rejects.toMatchObject({ code: 'LOG_MISMATCH' });
});

test.each([
  ['an unreadable manifest', Buffer.from('{"formatVersion": 1')],
  ['a manifest of another log', Buffer.from(encodeManifest(following(following(following(SAMPLE)))).bytes)],
])('what stands before %s is handed out, then the reader stops there', async (_, poison) => {
  const lake = new MemoryLake(logOf(5));
  lake.put(manifestKey(4), poison);
  const reader = new WindowReader(lake, UNBOUNDED, asIs);
  expect((await reader.next())?.map(({ manifest }) => manifest.seq)).toEqual([1, 2, 3]);
  await expect(reader.next()).rejects.toMatchObject({ code: expect.stringMatching(/MANIFEST_UNREADABLE|LOG_BROKEN/) });
});

test('where the log ends, each manifest costs a request, and each look one more', async () => {
  const log = logOf(60);
  const lake = new MemoryLake(log.slice(0, 40));
  const reader = new WindowReader(lake, UNBOUNDED, asIs);
  expect(await reader.next()).toHaveLength(40);
  const before = lake.gets;
  for (const [i, manifest] of log.slice(40).entries()) {
    lake.put(manifestKey(manifest.seq), encodeManifest(manifest).bytes);
    expect(await reader.next(), `window ${i}`).toHaveLength(1);
    expect(await reader.next()).toBeNull();
  }
  expect(lake.gets - before).toBe(3 * 20);
});

test('files that lie in manifests are handed over as these are read, also ahead of the window, and are not in it', async () => {
  const taken: number[] = [];
  const reader = new WindowReader(new MemoryLake(inlineLogOf(20)), { ...UNBOUNDED, maxRows: 4 * 3 }, (manifest) => {
    taken.push(manifest.seq);
    return withoutBodies(manifest);
  });
  const window = (await reader.next()) ?? [];
  expect(window.map(({ manifest }) => manifest.seq)).toEqual([1, 2, 3, 4]);
  expect(JSON.stringify(window)).not.toContain('inline');
  while ((await reader.next()) !== null);
  expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
});
