// Runs beside the stream: reports its progress and measures the slot. No row passes here.

import { ignored, safely } from '../../workflows/model/callback.ts';
import { type Lsn, type LsnHex, lsnToHex } from '../../workflows/model/lsn.ts';
import type { IngestResources, PipelineResources } from '../resources.ts';
import type { Source } from '../wal/postgres/source.ts';
import { classifySlot } from '../wal/slot-health.ts';
import type { Backlog } from './backlog.ts';
import type { LandedBatch } from './manifest-appender.ts';

const SLOT_MS = 5_000;

/** The channel for nudges: a NOTIFY with a position makes ingest cover that position at once. */
export const nudgeChannel = (pipeline: string) => `walflow_${pipeline}`;

/** By this name walflow recognises its own walsender: a stale one may be ended, another consumer's never. */
export const streamApplicationName = (pipeline: string) => `walflow ${pipeline} stream`;

/** A heartbeat of the stream. Rows count from the beginning of this attempt. */
interface StreamProgress {
  readonly receivedLsn: LsnHex;
  readonly durableLsn: LsnHex;
  readonly lagBytes: number;
  readonly rows: number;
}

/** What the meter follows, from before the stream is opened. */
interface Followed {
  readonly source: Source;
  readonly backlog: Backlog;
  readonly positions: () => { readonly receivedLsn: Lsn; readonly durableLsn: Lsn };
}

export class SlotMeter {
  readonly #resources: IngestResources;
  readonly #pipeline: PipelineResources;
  #followed: Followed | null = null;
  #timer: NodeJS.Timeout | undefined;
  #rows = 0;
  #lagBytes = 0;

  constructor(resources: IngestResources, pipeline: PipelineResources) {
    this.#resources = resources;
    this.#pipeline = pipeline;
  }

  follow(followed: Followed): void {
    this.#followed = followed;
    this.#timer = setInterval(
      safely(() => this.#measure(followed), ignored),
      SLOT_MS,
    );
    this.#resources.telemetry.available(this.#pipeline.name, true);
  }

  /** For the heartbeat; null before there is a stream. */
  get progress(): StreamProgress | null {
    if (this.#followed === null) return null;
    const { receivedLsn, durableLsn } = this.#followed.positions();
    const lsns = { receivedLsn: lsnToHex(receivedLsn), durableLsn: lsnToHex(durableLsn) };
    return { ...lsns, lagBytes: this.#lagBytes, rows: this.#rows };
  }

  landed(batch: LandedBatch, flushSeconds: number): void {
    this.#rows += batch.rows;
    this.#resources.telemetry.landed(this.#pipeline.name, { rows: batch.rows, endLsn: batch.endLsn, flushSeconds });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#resources.telemetry.available(this.#pipeline.name, false);
  }

  async #measure({ source, backlog }: Followed): Promise<void> {
    const { name } = this.#pipeline;
    try {
      const row = await source.slotRow(this.#pipeline.source.slot);
      if (row !== null) backlog.reached(row.currentLsn, performance.now());
      const health = classifySlot(row);
      this.#lagBytes = health.lagBytes;
      this.#resources.telemetry.slot(name, health);
    } catch (cause) {
      this.#resources.log.warn({ pipeline: name, cause: String(cause) }, 'could not measure the slot');
    }
  }
}
