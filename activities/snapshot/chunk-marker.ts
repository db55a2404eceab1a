// Markers of a snapshot in progress: `snapshot/<schema>/<table>/<id>/<n>.json` says that chunk n is stored, and with which
// key it ends; the last chunk needs none. Invariant: markers 0..n-1 exist before marker n; the first writer of a marker wins.

import type { CaptureEntry, ChunkMarker } from '../../workflows/model/manifest.ts';
import type { ManifestStore } from '../lake/log.ts';
import { decodeChunkMarker, encodeChunkMarker } from '../lake/manifest-codec.ts';
import { snapshotMarkerKey } from '../lake/object-key.ts';

/**
 * All markers so far, in order.
 * @throws WalflowError DATA_FILE_DAMAGED, and what the lake throws.
 */
export async function readMarkers(lake: ManifestStore, entry: CaptureEntry): Promise<ChunkMarker[]> {
  const markers: ChunkMarker[] = [];
  for (;;) {
    const marker = await readMarker(lake, snapshotMarkerKey(entry, entry.snapshot.id, markers.length));
    if (marker === null) return markers;
    markers.push(marker);
  }
}

/** Stores marker n, or returns the one that another attempt stored first: then its chunk counts and ours does not. */
export async function storeMarker(
  lake: ManifestStore,
  entry: CaptureEntry,
  n: number,
  marker: ChunkMarker,
): Promise<ChunkMarker> {
  const key = snapshotMarkerKey(entry, entry.snapshot.id, n);
  const { bytes, hash } = encodeChunkMarker(marker, key);
  const outcome = await lake.putIfAbsent(key, bytes, hash);
  return outcome === 'stored' ? marker : ((await readMarker(lake, key)) ?? marker);
}

async function readMarker(lake: ManifestStore, key: string): Promise<ChunkMarker | null> {
  const body = await lake.get(key);
  return body === null ? null : decodeChunkMarker(body, key);
}
