// A publication that somebody else changed or dropped: since then changes of its tables may be missing in the log, and
// nothing tells which. Such a table is paused in the lake before the publication is mended: afterwards nobody could see that
// it ever was different, and an attempt that died in between would leave the gap behind.

import { lsnToHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import type { CapturedTable } from '../../workflows/model/relation.ts';
import { planPublications } from '../wal/postgres/publication.ts';
import { waitForTransactions } from '../wal/postgres/snapshot-reader.ts';
import type { Source } from '../wal/postgres/source.ts';
import type { ManifestAppender } from './manifest-appender.ts';

const CODE = 'PUBLICATION_CHANGED';

interface Recorded {
  readonly publication: string;
  readonly captured: readonly CaptureEntry[];
  /** What the catalog says now: a table that is gone or made anew is not one that somebody took out. */
  readonly catalog: readonly CapturedTable[];
}

/**
 * Pauses the captured tables whose changes are not published in full.
 * @returns the list that is recorded now, and which tables were paused.
 */
export async function pauseUnpublished(
  source: Source,
  writer: ManifestAppender,
  { publication, captured, catalog }: Recorded,
): Promise<{ readonly captured: readonly CaptureEntry[]; readonly paused: readonly string[] }> {
  const oids = new Map(catalog.map(({ table, oid }) => [table, oid]));
  const plans = await planPublications(source.connection, publication, captured);
  const missing = new Set(plans.flatMap(({ unpublished }) => unpublished.map(({ table }) => table)));
  const commitLsn = lsnToHex(writer.durableLsn);
  const next = captured.map((entry): CaptureEntry => {
    const { table, oid } = entry;
    if (!missing.has(table) || entry.paused !== undefined || oids.get(table) !== oid) return entry;
    const reason = `a publication did not contain all of ${table}: changes may be missing`;
    return { ...entry, paused: { code: CODE, reason, commitLsn } };
  });
  const paused = next.filter((entry, i) => entry !== captured[i]).map(({ table }) => table);
  if (paused.length > 0) await writer.recordCapture(next);
  return { captured: next, paused };
}

/**
 * Call it between mending and reading R0: a transaction that runs across both was logged in part, and what was logged would
 * beat the copied rows if R0 came before its commit.
 */
export async function untilLoggedInFull(
  source: Source,
  captured: readonly CaptureEntry[],
  waiting: Parameters<typeof waitForTransactions>[1],
): Promise<void> {
  if (captured.some(({ paused }) => paused?.code === CODE)) await waitForTransactions(source, waiting);
}
