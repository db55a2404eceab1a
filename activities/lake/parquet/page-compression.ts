// zstd at level 1: for changes it is as small as slower codecs and costs almost nothing. Most pages are compressed at once; the
// largest in the thread pool, so that the event loop can answer the source meanwhile.

import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync } from 'node:zlib';

/** Parquet's CompressionCodec: https://github.com/apache/parquet-format/blob/master/Compression.md */
const UNCOMPRESSED = 0;
const ZSTD = 6;

/** What is compressed as one, in parts that lie in different places. */
export type Page = readonly Uint8Array[];

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

/** Memory for the parts of a page while it is compressed at once: fresh memory costs more than the copy. */
let joined = Buffer.alloc(0);

export async function compressPages(pages: readonly Page[]): Promise<CompressedPages> {
  const bytes = pages.reduce((sum, page) => sum + bytesIn(page), 0);
  if (bytes < MIN_BYTES) return { codec: UNCOMPRESSED, pages: pages.map((page) => Buffer.concat(page)) };
  return { codec: ZSTD, pages: await Promise.all(pages.map(compress)) };
}

export function bytesIn(page: Page): number {
  return page.reduce((sum, part) => sum + part.length, 0);
}

async function compress(page: Page): Promise<Uint8Array> {
  const bytes = bytesIn(page);
  const options: ZstdOptions = {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    // If zstd knows the size, it chooses tables that fit: smaller, and twice as fast for pages of this size.
    pledgedSrcSize: bytes,
    // Output comes in chunks, which are joined; a chunk for a whole small page avoids that.
    chunkSize: Math.min(MAX_OUTPUT_CHUNK, Math.max(MIN_OUTPUT_CHUNK, bytes)),
  };
  if (bytes >= ASYNC_BYTES) return await compressInPool(Buffer.concat(page), options);
  return zstdCompressSync(join(page, bytes), options);
}

/** Valid until the next call. */
function join(page: Page, bytes: number): Uint8Array {
  const [only] = page;
  if (page.length === 1 && only !== undefined) return only;
  if (joined.length < bytes) joined = Buffer.allocUnsafeSlow(Math.min(ASYNC_BYTES, bytes * 2));
  let at = 0;
  for (const part of page) {
    joined.set(part, at);
    at += part.length;
  }
  return joined.subarray(0, bytes);
}
