// Which snapshots are still to be taken, and in which runs: one for each table, or one for many small tables. A run costs
// Temporal more than such a table costs the source, so a thousand runs would take minutes.

import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { snapshotGroup } from '../../workflows/model/names.ts';
import type { PendingSnapshot, PrepareResult } from '../../workflows/model/run.ts';
import { isReadInChunks } from '../capture/capture.ts';
import type { ManifestStore } from '../lake/log.ts';
import { snapshotCompleteKey } from '../lake/object-key.ts';
import type { Source } from '../wal/postgres/source.ts';

/** So few tables get a run each, which the Web UI shows better. Counted are those that one manifest began. */
const FEW_TABLES = 40;
/** Read in about a second: the other tables of its run wait no longer for it. */
const SMALL_BYTES = 16 * 1024 * 1024;

type Pending = Pick<PrepareResult, 'pendingSnapshots' | 'pendingGroups'>;

/** @param nextSeq manifests before this one have been recorded earlier: only of their snapshots some may be complete */
export async function pendingSnapshots(
  source: Source,
  lake: ManifestStore,
  { capture, nextSeq }: { readonly capture: readonly CaptureEntry[]; readonly nextSeq: number },
): Promise<Pending> {
  const wanted = capture.filter((entry) => entry.paused === undefined);
  const complete = await Promise.all(
    wanted.map(
      (entry) => entry.snapshot.fromSeq < nextSeq && lake.exists(snapshotCompleteKey(entry, entry.snapshot.id)),
    ),
  );
  const pending = wanted.filter((_, i) => !complete[i]);
  const groupable = await groupableIn(source, capture, pending);
  const groups = Map.groupBy([...groupable], ({ snapshot }) => snapshotGroup(snapshot.id));
  return {
    pendingSnapshots: pending.filter((entry) => !groupable.has(entry)).map(orderOf),
    pendingGroups: [...groups].map(([group, entries]) => ({
      group,
      tables: entries.map(orderOf),
      areNew: entries.every(({ snapshot }) => snapshot.fromSeq >= nextSeq),
    })),
  };
}

/** Small tables that many others began with. One that is read in one transaction waits for others to end, alone. */
async function groupableIn(
  source: Source,
  capture: readonly CaptureEntry[],
  pending: readonly CaptureEntry[],
): Promise<ReadonlySet<CaptureEntry>> {
  // Of the whole list, not of what is left of it: a table must not change its run while that goes on.
  const begun = Map.groupBy(capture, ({ snapshot }) => snapshot.fromSeq);
  const many = pending.filter(
    (entry) => isReadInChunks(entry) && (begun.get(entry.snapshot.fromSeq)?.length ?? 0) > FEW_TABLES,
  );
  if (many.length === 0) return new Set();
  const small = await smallTables(source, many);
  return new Set(many.filter(({ oid }) => small.has(oid)));
}

async function smallTables(source: Source, entries: readonly CaptureEntry[]): Promise<ReadonlySet<number>> {
  const rows = await source.connection.rows<{ oid: number }>(
    `select c.oid from pg_class c where c.oid = any($1::oid[]) and coalesce(
       (select sum(pg_table_size(t.relid)) from pg_partition_tree(c.oid) t), pg_table_size(c.oid)) <= $2`,
    [entries.map(({ oid }) => oid), SMALL_BYTES],
  );
  return new Set(rows.map(({ oid }) => oid));
}

const orderOf = ({ table, snapshot }: CaptureEntry): PendingSnapshot => ({ table, id: snapshot.id });
