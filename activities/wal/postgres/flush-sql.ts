// How to tell that the WAL is on disk.

/** The header of the first page of a WAL segment (SizeOfXLogLongPHD in xlog_internal.h). */
const LARGEST_PAGE_HEADER = 40;

/** Is the WAL on disk up to `target`? At a page's end the place of the next record lies behind the next page's header. */
export const flushedSql = (target: string, flushLsn: string) =>
  `(${flushLsn} >= ${target} or (${target} - ${flushLsn} <= ${LARGEST_PAGE_HEADER}
     and (${flushLsn} - '0/0'::pg_lsn) % current_setting('wal_block_size')::int = 0))`;
