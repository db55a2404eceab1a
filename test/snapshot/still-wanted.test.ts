import { expect, test, vi } from 'vitest';
import { encodeManifest } from '../../activities/lake/manifest-codec.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import { CaptureList } from '../../activities/snapshot/capture-list.ts';
import { StillWanted } from '../../activities/snapshot/still-wanted.ts';
import type { CaptureEntry, Manifest } from '../../workflows/model/manifest.ts';
import { following, SAMPLE } from '../lake/sample-manifest.ts';
import { MemoryLake } from '../support/memory-lake.ts';

const EVERY_MS = 5;
const [entry] = SAMPLE.capture as readonly [CaptureEntry];
const orderOf = (list: CaptureList) => new StillWanted(list, { table: entry.table, id: entry.snapshot.id });
const order = (lake: MemoryLake) => orderOf(new CaptureList(lake));

function land(lake: MemoryLake, manifest: Manifest): Manifest {
  lake.put(manifestKey(manifest.seq), encodeManifest(manifest).bytes);
  return manifest;
}

test('a copy is wanted while the log names it, however long ago it did', async () => {
  const lake = new MemoryLake([SAMPLE]);
  const wanted = order(lake);
  for (let last = SAMPLE; last.seq < 20; ) last = land(lake, following(last));
  expect(await wanted.look()).toEqual(entry);
  expect(wanted.superseded.aborted).toBe(false);
});

test.each([
  ['another copy of its table', [{ ...entry, snapshot: { ...entry.snapshot, id: 'another' } }]],
  ['its table no more', []],
])('a copy under way is told when the log names %s', async (_, capture) => {
  const lake = new MemoryLake([SAMPLE]);
  const replaced = order(lake);
  await replaced.look();
  const unwatch = replaced.watch(EVERY_MS);
  const told = new Promise((resolve) => replaced.superseded.addEventListener('abort', resolve));
  land(lake, following(SAMPLE, { capture, captureSeq: 2 }));
  await told;
  unwatch();
  expect(await replaced.look()).toBeNull();
});

test('a look that fails ends nothing', async () => {
  const lake = new MemoryLake([SAMPLE]);
  const wanted = order(lake);
  const unwatch = wanted.watch(EVERY_MS);
  lake.put(manifestKey(2), Buffer.from('not a manifest'));
  await expect(wanted.look()).rejects.toMatchObject({ code: 'MANIFEST_UNREADABLE' });
  await new Promise((resolve) => setTimeout(resolve, 10 * EVERY_MS));
  unwatch();
  expect(wanted.superseded.aborted).toBe(false);
});

test('the list of tables is read once for all snapshots of a run, and again when it changes', async () => {
  const lake = new MemoryLake([SAMPLE]);
  const list = new CaptureList(lake);
  const read = vi.spyOn(lake, 'get');
  const lists = () => read.mock.calls.filter(([key]) => key === manifestKey(SAMPLE.seq)).length;
  for (let i = 0; i < 3; i++) await orderOf(list).look();
  expect(lists()).toBe(1);
  const second = land(lake, following(SAMPLE));
  for (let i = 0; i < 3; i++) expect(await orderOf(list).look()).toEqual(entry);
  expect(lists()).toBe(1);
  land(lake, following(second, { capture: [], captureSeq: 3 }));
  expect(await orderOf(list).look()).toBeNull();
});
