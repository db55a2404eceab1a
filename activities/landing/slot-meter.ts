// Runs beside the stream: sends heartbeats with its progress and measures the slot. No row passes here.

import { type Lsn, type LsnHex, lsnToHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { appendPublicationName } from '../../workflows/model/names.ts';
import type { IngestResources, PipelineResources } from '../resources.ts';
import type { Source } from '../wal/postgres/source.ts';
import { classifySlot } from '../wal/slot-health.ts';
import type { Backlog } from './backlog.ts';
import type { LandedBatch } from './manifest-appender.ts';

const HEARTBEAT_MS = 2_000;
const SLOT_MS = 5_000;

/** The channel for nudges: a NOTIFY with a position makes ingest cover that position at once. */
export const nudgeChannel = (pipeline: string) => `walflow_${pipeline}`;

/** By this name walflow recognises its own walsender: a stale one may be ended, another consumer's never. */
export const streamApplicationName = (pipeline: string) => `walflow ${pipeline} stream`;

/** The second publication exists only while a captured table needs it. */
export function publicationsOf(publication: string, capture: readonly CaptureEntry[]): string[] {
  const append = capture.some((entry) => entry.mode === 'append-only');
  return append ? [publication, appendPublicationName(publication)] : [publication];
}

/** A heartbeat of the stream. Rows count from the beginning of this attempt. */
interface StreamProgress {
  readonly receivedLsn: LsnHex;
  readonly durableLsn: LsnHex;
  readonly lagBytes: number;
  readonly rows: number;
}

export class SlotMeter {
  readonly #resources: IngestResources;
  readonly #pipeline: PipelineResources;
  readonly #source: Source;
  readonly #backlog: Backlog;
  readonly #timers: NodeJS.Timeout[] = [];
  #rows = 0;
  #lagBytes = 0;

  constructor(
    resources: IngestResources,
    pipeline: PipelineResources,
    source: Source,
    backlog: Backlog,
    positions: () => { readonly receivedLsn: Lsn; readonly durableLsn: Lsn },
    heartbeat: (progress: StreamProgress) => void,
  ) {
    this.#resources = resources;
    this.#pipeline = pipeline;
    this.#source = source;
    this.#backlog = backlog;
    this.#timers.push(
      setInterval(() => {
        const { receivedLsn, durableLsn } = positions();
        heartbeat({
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

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#resources.telemetry.available(this.#pipeline.name, false);
  }

  async #measure(): Promise<void> {
    const { name, source } = this.#pipeline;
    try {
      const row = await this.#source.slotRow(source.slot);
      if (row !== null) this.#backlog.reached(row.currentLsn, performance.now());
      const health = classifySlot(row);
      this.#lagBytes = health.lagBytes;
      this.#resources.telemetry.slot(name, health);
    } catch (cause) {
      this.#resources.log.warn({ pipeline: name, cause: String(cause) }, 'could not measure the slot');
    }
  }
}
