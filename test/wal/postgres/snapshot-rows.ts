// First copies for tests: the rows as texts.

import { textsOf } from '../../../activities/wal/copy-row.ts';
import {
  type Chunk,
  type ChunkBounds,
  exactSnapshot,
  readChunk,
} from '../../../activities/wal/postgres/snapshot-reader.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import type { Lsn } from '../../../workflows/model/lsn.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';

export type TextRow = (string | null)[];

const MIB = 1024 * 1024;

export const atMost = (maxRows: number, maxBytes = 8 * MIB): ChunkBounds => ({
  maxRows,
  maxBytes,
  maxRowBytes: 64 * MIB,
});

/** One chunk, with its rows. */
export async function chunkOf(
  source: Source,
  table: CapturedTable,
  after: readonly string[] | null,
  bounds: ChunkBounds,
): Promise<Omit<Chunk, 'rows'> & { readonly rows: TextRow[] }> {
  const rows: TextRow[] = [];
  const chunk = await readChunk(source, table, after, bounds, (row) => void rows.push(textsOf(row)));
  return { ...chunk, rows };
}

/** All rows of a keyed table, chunk by chunk; `onChunk` gets each one. */
export async function readAll(
  url: string,
  table: CapturedTable,
  bounds: ChunkBounds,
  onChunk: (rows: number) => void = () => {},
): Promise<TextRow[]> {
  const rows: TextRow[] = [];
  let source = await openSource(url, 'walflow test');
  try {
    for (let after: readonly string[] | null = null; ; ) {
      const chunk = await chunkOf(source, table, after, bounds);
      rows.push(...chunk.rows);
      onChunk(chunk.rows.length);
      if (chunk.last) return rows;
      after = chunk.lastKey;
      if (chunk.connectionEnded) source = await openSource(url, 'walflow test');
    }
  } finally {
    await source.close();
  }
}

/** All rows of a table without a key; `onPortion` gets each portion and is waited for. */
export async function snapshotOf(
  url: string,
  table: CapturedTable,
  bounds: ChunkBounds,
  onPortion: (rows: TextRow[]) => Promise<void> = async () => {},
): Promise<{ readonly rows: TextRow[]; readonly point: Lsn; readonly begun: Lsn[] }> {
  const rows: TextRow[] = [];
  const begun: Lsn[] = [];
  let portion: TextRow[] = [];
  const point = await exactSnapshot(url, table, bounds, {
    begin: (consistentPoint) => void begun.push(consistentPoint),
    take: (row) => void portion.push(textsOf(row)),
    cut: () => {
      const cut = portion;
      portion = [];
      rows.push(...cut);
      return onPortion(cut);
    },
  });
  return { rows, point, begun };
}
