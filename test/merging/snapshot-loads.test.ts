import { beforeEach, expect, test } from 'vitest';
import { encodeSnapshotComplete } from '../../activities/lake/manifest-codec.ts';
import { manifestKey, snapshotCompleteKey } from '../../activities/lake/object-key.ts';
import { SnapshotLoads } from '../../activities/merging/snapshot-loads.ts';
import { WindowReader } from '../../activities/merging/window-reader.ts';
import { type CaptureEntry, MANIFEST_FORMAT_VERSION, type Manifest } from '../../workflows/model/manifest.ts';
import { following, SAMPLE } from '../lake/sample-manifest.ts';
import { logOf, MemoryLake } from '../support/memory-lake.ts';

const MANIFESTS = 100;
const BOUNDS = { maxRows: 1_000_000, maxBytes: 1_000_000_000 };
const [entry] = SAMPLE.capture as readonly [CaptureEntry];

let lake: MemoryLake;
let loads: SnapshotLoads;

/** The copy of the sample's table is whole; every change at or after `r0Lsn` belongs onto it. */
function open(manifests: readonly Manifest[], r0Lsn = SAMPLE.startLsn): void {
  lake = new MemoryLake(manifests);
  loads = new SnapshotLoads(lake, new WindowReader(lake, BOUNDS, '/spool'));
  const copy = { table: entry.table, id: entry.snapshot.id, r0Lsn, endLsn: SAMPLE.endLsn, rows: 0, files: [] };
  const complete = encodeSnapshotComplete({ formatVersion: MANIFEST_FORMAT_VERSION, ...copy });
  lake.put(snapshotCompleteKey(entry, entry.snapshot.id), complete.bytes);
}

async function plansBefore(seq: number) {
  return await loads.plans(await loads.ready([entry], SAMPLE.endLsn, 0), seq, []);
}

beforeEach(() => open(logOf(MANIFESTS)));

test('the files of a load are fetched side by side, and come in the order of the log', async () => {
  const tables = (seq: number) =>
    SAMPLE.tables.map((one) => ({ ...one, files: one.files.map((file) => ({ ...file, key: `data/${seq}` })) }));
  const manifests = [SAMPLE];
  for (let last = SAMPLE; manifests.length < MANIFESTS; manifests.push(last))
    last = following(last, { tables: tables(last.seq + 1) });
  open(manifests);
  const { loads: planned } = await plansBefore(MANIFESTS + 1);
  const keys = planned[0]?.changeFiles.map(({ file }) => file.key) ?? [];
  expect(keys).toHaveLength(MANIFESTS);
  expect(keys.slice(1)).toEqual(Array.from({ length: MANIFESTS - 1 }, (_, i) => `data/${i + 2}`));
  expect(lake.mostAsking).toBeGreaterThan(8);
});

test('a manifest that is gone stops the load: its changes would be missing for ever', async () => {
  lake.remove(manifestKey(40));
  await expect(plansBefore(MANIFESTS + 1)).rejects.toMatchObject({ code: 'LOG_BROKEN' });
});

test('a damaged file that the load needs pauses its table; one that ends before the copy began does not', async () => {
  for (const { files } of SAMPLE.tables) for (const { key } of files) lake.damaged.add(key);
  expect(await plansBefore(3)).toMatchObject({
    loads: [],
    damaged: [{ table: entry.table, code: 'DATA_FILE_DAMAGED' }],
  });
  const { key } = SAMPLE.tables[0]?.files[0] ?? { key: '' };
  open(logOf(MANIFESTS), SAMPLE.endLsn);
  lake.damaged.add(key);
  expect(await plansBefore(3)).toMatchObject({ loads: [{ changeFiles: [] }], damaged: [] });
});
