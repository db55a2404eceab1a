// A publication that was changed or dropped from outside: since then some changes of its tables may be missing in the
// stream, and there is no way to find out which. Such tables are paused in the lake before the publication is repaired:
// afterwards nothing would show that it was different, and an attempt that dies in between would leave the gap behind.

import { lsnToHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { type CapturedTable, sameTexts } from '../../workflows/model/relation.ts';
import { planPublications } from '../wal/postgres/publication.ts';
import { waitForTransactions } from '../wal/postgres/snapshot-reader.ts';
import type { Source } from '../wal/postgres/source.ts';
import type { ManifestAppender } from './manifest-appender.ts';

const CODE = 'PUBLICATION_CHANGED';

interface Recorded {
  readonly publication: string;
  readonly captured: readonly CaptureEntry[];
  /** The catalog as it is now. A table that is gone or was created again was not taken out of the publication. */
  readonly catalog: readonly CapturedTable[];
}

/**
 * Pauses the captured tables whose changes are not published in full.
 * @returns the list that is recorded now, and the tables that were paused.
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
 * Waits, between the repair and reading R0: of a transaction that runs across the repair only a part is streamed, and that
 * part would beat the rows of the snapshot if R0 lay before its commit. The same for a renamed label of an enum: what running
 * transactions wrote before is streamed with the old label.
 */
export async function untilLoggedInFull(
  source: Source,
  { captured, catalog }: Pick<Recorded, 'captured' | 'catalog'>,
  waiting: Parameters<typeof waitForTransactions>[1],
): Promise<void> {
  const found = new Map(catalog.map((table) => [table.table, table]));
  const crossed = captured.some(
    ({ table, paused, layout }) => paused?.code === CODE || !sameTexts(layout, found.get(table)?.layout),
  );
  if (crossed) await waitForTransactions(source, waiting);
}
