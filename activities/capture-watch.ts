// Beside the stream: notices that the captured tables are no longer what they were. Two witnesses: the log, which describes
// a table anew before its next change, and the catalog, which knows of changes nobody writes behind. The catalog is ahead of
// the log; it is believed only once everything logged until it was read has arrived and has not told the same.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Lsn } from '../workflows/model/lsn.ts';
import type { StreamEnd } from '../workflows/model/run.ts';
import { sameParts, sameTable } from './capture.ts';
import type { LiveCapture } from './live-capture.ts';
import type { PipelineResources } from './resources.ts';
import type { Source } from './wal/postgres.ts';

/** The catalog is asked this often without a sign that anything changed. */
const RESCAN_MS = 60_000;
const LOOK_MS = 250;

interface Watched {
  readonly pipeline: PipelineResources;
  readonly source: Source;
  readonly capture: LiveCapture;
  /** Tables the log described differently, as far as the lake has recorded it. */
  readonly reshaped: () => ReadonlySet<string>;
  /** Counts how often the log described a table again: after DDL, and after maintenance that changes nothing. */
  readonly redescribed: () => number;
  /** Nothing before this position is still on its way to the lake. */
  readonly settledLsn: () => Lsn;
}

/** Resolves when some table needs to be prepared anew; rejects when the source cannot be asked, or on abort. */
export async function captureChanged(watched: Watched, signal: AbortSignal): Promise<StreamEnd> {
  const { source, reshaped, redescribed, settledLsn } = watched;
  let askedMs = performance.now();
  let seen = redescribed();
  for (;;) {
    await sleep(LOOK_MS, undefined, { signal });
    const described = redescribed();
    if (reshaped().size === 0 && described === seen && performance.now() - askedMs < RESCAN_MS) continue;
    seen = described;
    askedMs = performance.now();
    let tables = await changedInCatalog(watched);
    if (tables.length > 0) {
      const askedLsn = await source.insertLsn();
      while (settledLsn() < askedLsn) await sleep(LOOK_MS, undefined, { signal });
      tables = await changedInCatalog(watched);
    }
    if (tables.length + reshaped().size > 0) return { tag: 'capture-changed', tables: [...reshaped(), ...tables] };
  }
}

async function changedInCatalog({ pipeline, source, capture }: Watched): Promise<string[]> {
  const { tables, newTables } = pipeline.source;
  const known = new Map(capture.entries.map((entry) => [entry.table, entry]));
  const now = await source.capturedTables(tables);
  const names = new Set(now.map((table) => table.table));
  const changed = now.filter((table) => {
    const entry = known.get(table.table);
    if (entry === undefined) return newTables === 'add';
    return entry.paused === undefined && !(sameTable(entry, table) && sameParts(entry, table));
  });
  const gone = [...known.keys()].filter((table) => !names.has(table));
  return [...changed.map((table) => table.table), ...gone];
}
