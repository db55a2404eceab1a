// Markers of a copy in progress: `snapshot/<schema>/<table>/<id>/<n>.json` says that chunk n is stored and which key it
// ended with. Invariant: markers 0..n-1 exist before marker n; the first writer of a marker wins.

import { createHash } from 'node:crypto';
import type { CaptureEntry, SnapshotFile } from '../../workflows/model/manifest.ts';
import { snapshotMarkerKey } from '../lake/object-key.ts';
import type { S3Lake } from '../lake/s3/lake.ts';

export interface ChunkMarker {
  /** Null for an empty table's only chunk. */
  readonly file: SnapshotFile | null;
  /** Key values, as PostgreSQL prints them, of the chunk's last row. */
  readonly lastKey: readonly string[] | null;
  /** No chunk follows. */
  readonly last: boolean;
}

/** All markers so far, in order. */
export async function readMarkers(lake: S3Lake, entry: CaptureEntry): Promise<ChunkMarker[]> {
  const markers: ChunkMarker[] = [];
  for (;;) {
    const body = await lake.get(snapshotMarkerKey(entry, entry.snapshot.id, markers.length));
    if (body === null) return markers;
    markers.push(JSON.parse(body.toString('utf8')) as ChunkMarker);
  }
}

/** Stores marker n, or returns the one a concurrent attempt stored first: its chunk then counts, ours is nobody's. */
export async function storeMarker(
  lake: S3Lake,
  entry: CaptureEntry,
  n: number,
  marker: ChunkMarker,
): Promise<ChunkMarker> {
  const key = snapshotMarkerKey(entry, entry.snapshot.id, n);
  const body = Buffer.from(JSON.stringify(marker));
  const outcome = await lake.putIfAbsent(key, body, createHash('sha256').update(body).digest('hex'));
  if (outcome === 'stored') return marker;
  const stored = await lake.get(key);
  return stored === null ? marker : (JSON.parse(stored.toString('utf8')) as ChunkMarker);
}
