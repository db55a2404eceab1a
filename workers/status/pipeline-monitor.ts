// Watches one pipeline, once a second: where source, lake and warehouse stand. For the API, the page and the metrics;
// nothing on a row's way waits for it.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { findHead, readManifest } from '../../activities/lake/log.ts';
import { nudgeChannel } from '../../activities/landing/slot-meter.ts';
import type { PipelineResources } from '../../activities/resources.ts';
import { openSource, type Source } from '../../activities/wal/postgres/source.ts';
import { classifySlot, type SlotHealth } from '../../activities/wal/slot-health.ts';
import type { TableStatus } from '../../activities/warehouse/table-status.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { safely } from '../../workflows/model/callback.ts';
import { earlierLsn, type Lsn, lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import { NOTHING_MERGED, type Watermark } from '../../workflows/model/watermark.ts';
import { FreshnessClock } from './freshness-clock.ts';
import { SharedLook } from './shared-look.ts';

const SAMPLE_MS = 1_000;
/** The lake is asked this often although nothing was acknowledged: a source that does not answer does not say. */
const MAX_LAKE_AGE_MS = 15_000;
/** Hundreds may wait at once, and ingest serves nudges about as often. */
const NUDGE_EVERY_MS = 200;

export interface PipelineReading {
  /** Null while the source does not answer. */
  readonly slot: SlotHealth | null;
  readonly sourceFailure: string | null;
  readonly durableLsn: string;
  readonly headSeq: number;
  /** Of the last manifest; 0 while there is none, or it was not read yet. */
  readonly headEpochNo: number;
  readonly watermark: Watermark;
  readonly freshnessAgeSeconds: number | null;
}

export class PipelineMonitor {
  readonly #pipeline: PipelineResources;
  readonly #warehouse: Warehouse;
  readonly #log: Logger;
  readonly #onReading: (reading: PipelineReading) => void;
  readonly #clock = new FreshnessClock();
  /** Hundreds may wait at once, and each looks after each merge. */
  readonly #watermarks: SharedLook<Watermark>;
  readonly #tables: SharedLook<readonly TableStatus[]>;
  #source: Promise<Source> | null = null;
  #slot: SlotHealth | null = null;
  #sourceFailure: string | null = null;
  #headSeq = 0;
  #headEpochNo = 0;
  #durableLsn = NOTHING_MERGED.endLsn;
  /** What the slot had acknowledged when the lake was read. */
  #lakeRead: { readonly acknowledged: Lsn | null; readonly atMs: number } | null = null;
  #watermark: Watermark = NOTHING_MERGED;
  #timer: NodeJS.Timeout | null = null;
  #nudge: Promise<Lsn> | null = null;
  #nudgedLsn: Lsn = 0n;
  #lastNudgeMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(
    pipeline: PipelineResources,
    warehouse: Warehouse,
    log: Logger,
    onReading: (reading: PipelineReading) => void,
  ) {
    this.#pipeline = pipeline;
    this.#warehouse = warehouse;
    this.#log = log;
    this.#onReading = onReading;
    this.#watermarks = new SharedLook(() => warehouse.watermark(pipeline.name));
    this.#tables = new SharedLook(() => warehouse.tables(pipeline.name));
    this.#sampleIn(0);
  }

  /** The last reading; at most a second old while everything answers. */
  get reading(): PipelineReading {
    return {
      slot: this.#slot,
      sourceFailure: this.#sourceFailure,
      durableLsn: this.#durableLsn,
      headSeq: this.#headSeq,
      headEpochNo: this.#headEpochNo,
      watermark: this.#watermark,
      freshnessAgeSeconds: this.#clock.ageSeconds(Date.now()),
    };
  }

  /** Resolves when the warehouse has merged another window. */
  get nextMerge(): Promise<void> {
    return this.#warehouse.nextMerge;
  }

  /** Where the warehouse stands now. */
  async watermark(): Promise<Watermark> {
    return await this.#watermarks.see();
  }

  /** The captured tables that the warehouse has. */
  async tables(): Promise<readonly TableStatus[]> {
    return await this.#tables.see();
  }

  /** Asks ingest to cover a position at once, also on an idle source. False = the source's WAL does not reach that far. */
  async nudge(lsn: Lsn): Promise<boolean> {
    if (lsn > this.#nudgedLsn) this.#nudgedLsn = lsn;
    this.#nudge ??= this.#sendNudge();
    return lsn <= (await this.#nudge);
  }

  /** One nudge for all that wait at once. @returns the end of the source's WAL */
  async #sendNudge(): Promise<Lsn> {
    await sleep(Math.max(0, this.#lastNudgeMs + NUDGE_EVERY_MS - performance.now()));
    this.#lastNudgeMs = performance.now();
    // From now on a caller may need a position beyond the end that is read here.
    this.#nudge = null;
    const nudged = this.#nudgedLsn;
    this.#nudgedLsn = 0n;
    const source = await this.#connected();
    const end = await source.insertLsn();
    await source.notify(nudgeChannel(this.#pipeline.name), lsnToText(earlierLsn(nudged, end)));
    return end;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const source = await this.#source?.catch(() => null);
    await source?.close();
  }

  async #sample(): Promise<void> {
    const { settled, acknowledged } = await this.#sampleSource();
    await this.#sampleLake(acknowledged);
    const caughtUp = this.#watermark.seq === this.#headSeq;
    const merged = parseLsn(this.#watermark.endLsn);
    // With nothing pending, positions that ingest has settled beyond the lake's end hold no captured change: readable too.
    this.#clock.readableTo(caughtUp && settled !== null && settled > merged ? settled : merged);
    if (this.#closed) return;
    this.#onReading(this.reading);
    this.#sampleIn(SAMPLE_MS);
  }

  /** A reading that fails in an unexpected way is logged; the next one comes all the same. */
  #sampleIn(delayMs: number): void {
    const { name } = this.#pipeline;
    const onFailure = (failure: unknown) => {
      this.#log.error({ pipeline: name, cause: String(failure) }, 'a reading failed');
      if (!this.#closed) this.#sampleIn(SAMPLE_MS);
    };
    this.#timer = setTimeout(
      safely(() => this.#sample(), onFailure),
      delayMs,
    );
  }

  async #sampleSource(): Promise<{ readonly settled: Lsn | null; readonly acknowledged: Lsn | null }> {
    const { slot } = this.#pipeline.source;
    const atMs = Date.now();
    try {
      const source = await this.#connected();
      // In this order: what is settled is then acknowledged too.
      const settled = await source.settledLsn(slot);
      const row = await source.slotRow(slot);
      this.#slot = classifySlot(row);
      this.#sourceFailure = null;
      if (row !== null) this.#clock.sourceAt(row.currentLsn, atMs);
      return { settled, acknowledged: row?.confirmedFlushLsn ?? null };
    } catch (failure) {
      if (this.#source !== null) this.#forget(this.#source);
      this.#slot = null;
      this.#sourceFailure = failure instanceof Error ? failure.message : String(failure);
      return { settled: null, acknowledged: null };
    }
  }

  /** Each manifest is acknowledged: while nothing is, and all is merged, the lake has not grown. */
  async #sampleLake(acknowledged: Lsn | null): Promise<void> {
    const { lake, name } = this.#pipeline;
    try {
      this.#watermark = await this.watermark();
      const known = this.#lakeRead;
      const isKnown = known !== null && acknowledged !== null && known.acknowledged === acknowledged;
      const nowMs = performance.now();
      if (isKnown && this.#watermark.seq === this.#headSeq && nowMs - known.atMs < MAX_LAKE_AGE_MS) return;
      this.#headSeq = await findHead(lake, Math.max(this.#headSeq, this.#watermark.seq));
      const { epochNo, endLsn } = await this.#headOf(this.#headSeq);
      this.#lakeRead = { acknowledged, atMs: nowMs };
      this.#headEpochNo = epochNo;
      this.#durableLsn = endLsn;
    } catch (failure) {
      // A reading that fails because everything is closed says nothing about the lake.
      if (this.#closed) return;
      this.#log.warn({ pipeline: name, cause: String(failure) }, 'could not read the end of the lake');
    }
  }

  /** What the last manifest says; of one that is merged, the watermark says it too. */
  async #headOf(seq: number): Promise<Pick<Watermark, 'epochNo' | 'endLsn'>> {
    if (seq === this.#watermark.seq) return this.#watermark;
    const head = await readManifest(this.#pipeline.lake, seq);
    return head?.manifest ?? NOTHING_MERGED;
  }

  #connected(): Promise<Source> {
    if (this.#source !== null) return this.#source;
    const opening = openSource(this.#pipeline.source.url, `walflow ${this.#pipeline.name} monitor`);
    this.#source = opening;
    opening.then(
      (source) => void source.lost.catch(() => this.#forget(opening)),
      () => this.#forget(opening),
    );
    return opening;
  }

  /** The next reading connects again. Closes this connection, which may be alive: a server has few of them. */
  #forget(opening: Promise<Source>): void {
    if (this.#source === opening) this.#source = null;
    opening.then((source) => source.close()).catch(() => {});
  }
}
