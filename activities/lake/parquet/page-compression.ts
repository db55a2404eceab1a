// zstd at level 1: for changes it is as small as slower codecs and costs almost nothing. Most pages are compressed at once; the
// largest in the thread pool, so that the event loop can answer the source meanwhile.

import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync } from 'node:zlib';

/** Parquet's CompressionCodec: https://github.com/apache/parquet-format/blob/master/Compression.md */
const UNCOMPRESSED = 0;
const ZSTD = 6;

/** The pages of one column, which share one codec. */
export interface CompressedPages {
  readonly codec: typeof UNCOMPRESSED | typeof ZSTD;
  readonly pages: readonly Uint8Array[];
}

/** Below this, compression costs more than it saves. */
const MIN_BYTES = 128;
/**
 * Below this, a page blocks the event loop for a few milliseconds at most. Another thread costs about twice the processor
 * time, which on a small machine the source itself would lack.
 */
const ASYNC_BYTES = 1 << 22;
const MIN_OUTPUT_CHUNK = 1 << 10;
const MAX_OUTPUT_CHUNK = 1 << 17;

const compressInPool = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);

export async function compressPages(pages: readonly Uint8Array[]): Promise<CompressedPages> {
  const bytes = pages.reduce((sum, page) => sum + page.length, 0);
  if (bytes < MIN_BYTES) return { codec: UNCOMPRESSED, pages };
  return { codec: ZSTD, pages: await Promise.all(pages.map(compress)) };
}

async function compress(page: Uint8Array): Promise<Uint8Array> {
  const options: ZstdOptions = {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    // If zstd knows the size, it chooses tables that fit: smaller, and twice as fast for pages of this size.
    pledgedSrcSize: page.length,
    // Output comes in chunks, which are joined; a chunk for a whole small page avoids that.
    chunkSize: Math.min(MAX_OUTPUT_CHUNK, Math.max(MIN_OUTPUT_CHUNK, page.length)),
  };
  return page.length < ASYNC_BYTES ? zstdCompressSync(page, options) : await compressInPool(page, options);
}
