import { expect, test } from 'vitest';
import { sentCaptures } from '../../activities/capture/log-position.ts';
import { encodeManifest } from '../../activities/lake/manifest-codec.ts';
import { publicationsOf } from '../../activities/wal/postgres/publication.ts';
import { parseLsn } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, Manifest } from '../../workflows/model/manifest.ts';
import { following, SAMPLE } from '../lake/sample-manifest.ts';
import { MemoryLake } from '../support/memory-lake.ts';

const [keyed] = SAMPLE.capture as readonly [CaptureEntry];
const keyless: CaptureEntry = { ...keyed, mode: 'append-only', keyColumns: [] };

/** A table without a key is written to, then gets one; both positions are those of the same transaction. */
const first: Manifest = { ...SAMPLE, capture: [keyless] };
const written = following(first, { endLsn: '0000000001000200' });
const recorded = following(written, { capture: [keyed], captureSeq: 3 });

async function publicationsFrom(resumeLsn: string, ...manifests: readonly Manifest[]): Promise<readonly string[]> {
  const head = manifests.at(-1) ?? SAMPLE;
  const { epochNo, epoch, timeline } = head;
  const stored = { manifest: head, hash: encodeManifest(head).hash };
  const position = { head: stored, epochNo, epoch, timeline, resumeLsn: parseLsn(resumeLsn), unencoded: false };
  return publicationsOf('shop', await sentCaptures(new MemoryLake(manifests), position));
}

test('what a table wrote before it got its key is sent again, from the publication it was in then', async () => {
  expect(await publicationsFrom('0000000001000100', first, written, recorded)).toEqual(['shop', 'shop_append']);
  expect(await publicationsFrom('00000000010001ff', first, written, recorded)).toEqual(['shop', 'shop_append']);
});

test('once it is acknowledged, or of an epoch before, it is not', async () => {
  expect(await publicationsFrom('0000000001000200', first, written, recorded)).toEqual(['shop']);
  const reborn = { ...recorded, epochNo: 2 };
  expect(await publicationsFrom('0000000001000100', first, written, reborn)).toEqual(['shop']);
});

test('a table without a key is streamed from its publication', async () => {
  expect(await publicationsFrom('0000000001000200', first, written)).toEqual(['shop', 'shop_append']);
});
