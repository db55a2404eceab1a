// Runs beside the stream and notices when captured tables are no longer what they were. There are two sources: the WAL,
// which describes a table again before its next change, and the catalog, which also shows DDL that no change follows, and
// altered publications. The catalog is ahead of the WAL, so it counts only once all WAL up to the reading has arrived.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Lsn } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import type { CapturedTable } from '../../workflows/model/relation.ts';
import type { StreamEnd } from '../../workflows/model/run.ts';
import type { PipelineResources } from '../resources.ts';
import { matchTables } from '../wal/postgres/catalog.ts';
import { mayCapture, mayRead } from '../wal/postgres/preflight.ts';
import {
  arePublished,
  type PublicationPlan,
  planPublications,
  publicationsOf,
  withdrawUnidentified,
} from '../wal/postgres/publication.ts';
import type { Source } from '../wal/postgres/source.ts';
import type { MatchedTable } from '../wal/table-match.ts';
import { isRecorded, isWanted, sameTable, UNREADABLE } from './capture.ts';
import type { LiveCapture } from './live-capture.ts';

/** How often the catalog is read without a sign that anything changed. */
const RESCAN_MS = 60_000;
const LOOK_MS = 250;
/** How often to look for what cannot wait: updates of the application that fail, a publication that is gone. */
const URGENT_MS = 1_000;

interface Watched {
  readonly pipeline: PipelineResources;
  readonly source: Source;
  readonly capture: LiveCapture;
  /** Tables whose change of shape is in the manifest log. */
  readonly reshaped: () => ReadonlySet<string>;
  /** How often the WAL described a table again: after DDL, and after maintenance that changes nothing. */
  readonly redescribed: () => number;
  /** Nothing before this position is still on its way to the lake. */
  readonly settledLsn: () => Lsn;
}

/** Resolves when the source has to be prepared again; rejects when it cannot be read, or on abort. */
export async function captureChanged(watched: Watched, signal: AbortSignal): Promise<StreamEnd> {
  const { source, reshaped, redescribed, settledLsn } = watched;
  const urgent = new UrgentLook(watched);
  let askedMs = performance.now();
  let seen = redescribed();
  for (;;) {
    await sleep(LOOK_MS, undefined, { signal });
    const urgently = await urgent.look();
    const described = redescribed();
    const told = urgently || reshaped().size > 0 || described !== seen;
    if (!told && performance.now() - askedMs < RESCAN_MS) continue;
    seen = described;
    askedMs = performance.now();
    let tables = await changedInCatalog(watched);
    if (tables.length > 0) {
      const askedLsn = await source.insertLsn();
      while (settledLsn() < askedLsn) {
        await sleep(LOOK_MS, undefined, { signal });
        // A stream that is behind may need long for this.
        await urgent.look();
      }
      tables = await changedInCatalog(watched);
    }
    if (tables.length + reshaped().size > 0) return { tag: 'capture-changed', tables: [...reshaped(), ...tables] };
  }
}

/** Keeps a publication from making the application's updates fail, and notices one that was dropped. */
class UrgentLook {
  readonly #watched: Watched;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Looks if it is time to. @returns whether the publications are no longer what was prepared */
  async look(): Promise<boolean> {
    if (performance.now() - this.#lookedMs < URGENT_MS) return false;
    this.#lookedMs = performance.now();
    const { source, pipeline, capture } = this.#watched;
    const { publication } = pipeline.source;
    const withdrawn = await withdrawUnidentified(source, publication);
    return withdrawn.length > 0 || !(await arePublished(source, publicationsOf(publication, capture.entries)));
  }
}

/** Names of changed tables, or of a publication that has the wrong tables. */
async function changedInCatalog({ pipeline, source, capture }: Watched): Promise<string[]> {
  const known = new Map(capture.entries.map((entry) => [entry.table, entry]));
  const { tables: found } = await matchTables(source.connection, pipeline.source.tables);
  const fresh = found.filter(({ captured }) => !known.has(captured.table) && isWanted(captured.table, pipeline.source));
  const changed = found.filter((table) => {
    const entry = known.get(table.captured.table);
    return entry !== undefined && differs(entry, table);
  });
  const names = new Set(found.map(({ captured }) => captured.table));
  const gone = [...known.keys()].filter((table) => !names.has(table));
  const { publication } = pipeline.source;
  const plans = await planPublications(source.connection, publication, capture.entries);
  const added = fresh.length === 0 ? [] : await usable(source, publication, capture.entries, fresh);
  return [...[...changed, ...added].map(({ captured }) => captured.table), ...gone, ...plans.flatMap(altered)];
}

function differs(entry: CaptureEntry, now: MatchedTable): boolean {
  if (entry.paused !== undefined) return UNREADABLE.includes(entry.paused.code) && mayRead(now);
  return !(sameTable(entry, now.captured) && isRecorded(entry, now.captured));
}

function altered({ name, unpublished, statements }: PublicationPlan): string[] {
  if (statements.length === 0) return [];
  return unpublished.length === 0 ? [name] : unpublished.map(({ table }) => table);
}

/** The new tables that can be captured; the others would only be left out again. */
async function usable(
  source: Source,
  publication: string,
  entries: readonly CapturedTable[],
  fresh: readonly MatchedTable[],
): Promise<MatchedTable[]> {
  const all = [...entries, ...fresh.map(({ captured }) => captured)];
  const plans = await planPublications(source.connection, publication, all);
  return fresh.filter((table) => mayCapture(table, plans));
}
