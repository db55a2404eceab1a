// Beside the stream: heartbeats its progress, measures the slot, and notices that the captured tables changed. Nothing
// here touches the way of a row.

import { Context } from '@temporalio/activity';
import { type Lsn, lsnToHex } from '../workflows/model/lsn.ts';
import type { CaptureEntry } from '../workflows/model/manifest.ts';
import { appendPublicationName } from '../workflows/model/names.ts';
import { sameShape } from '../workflows/model/relation.ts';
import type { StreamEnd } from '../workflows/model/run.ts';
import type { Landing } from './landing.ts';
import type { LandedBatch } from './log-writer.ts';
import type { IngestResources, PipelineResources } from './resources.ts';
import type { Source } from './wal/postgres.ts';
import { classifySlot } from './wal/slot-health.ts';

const HEARTBEAT_MS = 2_000;
const SLOT_MS = 5_000;
/** The configured patterns are compared with the catalog this often. */
const RESCAN_MS = 60_000;
const CHANGED_POLL_MS = 50;

/** NOTIFY on this channel, with a position, makes ingest cover that position at once. */
export const nudgeChannel = (pipeline: string) => `walflow_${pipeline}`;

/** How walflow's own walsender is recognised; a stale one may be ended, a stranger's never. */
export const streamApplicationName = (pipeline: string) => `walflow ${pipeline} stream`;

/** The second publication exists only while a captured table needs it. */
export function publicationsOf(publication: string, capture: readonly CaptureEntry[]): string[] {
  const append = capture.some((entry) => entry.mode === 'append-only');
  return append ? [publication, appendPublicationName(publication)] : [publication];
}

export class SourceWatch {
  readonly #resources: IngestResources;
  readonly #pipeline: PipelineResources;
  readonly #source: Source;
  readonly #timers: NodeJS.Timeout[] = [];
  #rows = 0;
  #lagBytes = 0;

  constructor(
    resources: IngestResources,
    pipeline: PipelineResources,
    source: Source,
    positions: () => { readonly receivedLsn: Lsn; readonly durableLsn: Lsn },
  ) {
    this.#resources = resources;
    this.#pipeline = pipeline;
    this.#source = source;
    const context = Context.current();
    this.#timers.push(
      setInterval(() => {
        const { receivedLsn, durableLsn } = positions();
        context.heartbeat({
          receivedLsn: lsnToHex(receivedLsn),
          durableLsn: lsnToHex(durableLsn),
          lagBytes: this.#lagBytes,
          rows: this.#rows,
        });
      }, HEARTBEAT_MS),
      setInterval(() => void this.#measure(), SLOT_MS),
    );
    resources.telemetry.available(pipeline.name, true);
  }

  landed(batch: LandedBatch, flushSeconds: number): void {
    this.#rows += batch.rows;
    this.#resources.telemetry.landed(this.#pipeline.name, { rows: batch.rows, endLsn: batch.endLsn, flushSeconds });
  }

  /** Resolves when the tables to capture are no longer the captured ones, or no longer look like them. */
  captureChanged(landing: Landing, capture: readonly CaptureEntry[]): Promise<StreamEnd> {
    return new Promise((resolve, reject) => {
      const told = () => {
        if (landing.changedTables.size > 0 && landing.idle) {
          resolve({ tag: 'capture-changed', tables: [...landing.changedTables] });
        }
      };
      const rescan = async () => {
        const tables = await this.#changedInCatalog(capture);
        if (tables.length > 0) resolve({ tag: 'capture-changed', tables });
      };
      this.#timers.push(
        setInterval(told, CHANGED_POLL_MS),
        setInterval(() => void rescan().catch(reject), RESCAN_MS),
      );
    });
  }

  /** A table nobody writes to changes without a word in the log: the catalog is asked now and then. */
  async #changedInCatalog(capture: readonly CaptureEntry[]): Promise<string[]> {
    const { tables, newTables } = this.#pipeline.source;
    const known = new Map(capture.map((entry) => [entry.table, entry]));
    const now = await this.#source.capturedTables(tables);
    const names = new Set(now.map((table) => table.table));
    const changed = now.filter((table) => {
      const entry = known.get(table.table);
      return entry === undefined ? newTables === 'add' : entry.paused === undefined && !sameShape(table, entry);
    });
    const gone = capture.filter((entry) => !names.has(entry.table));
    return [...changed, ...gone].map((table) => table.table);
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#resources.telemetry.available(this.#pipeline.name, false);
  }

  async #measure(): Promise<void> {
    const { name, source } = this.#pipeline;
    try {
      const health = classifySlot(await this.#source.slotRow(source.slot));
      this.#lagBytes = health.lagBytes;
      this.#resources.telemetry.slot(name, health);
    } catch (cause) {
      this.#resources.log.warn({ pipeline: name, cause: String(cause) }, 'could not measure the slot');
    }
  }
}
