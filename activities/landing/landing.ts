// Stations 3 to 6 on a row's way: batches whole transactions, encodes and stores their files, appends manifests one by one.
// Invariants: a batch is cut only after a commit; files are stored before or in their manifest; manifests are strictly serial;
// nothing is reported as landed before its manifest is stored. Holding the stream bounds memory.

import { safely } from '../../workflows/model/callback.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { type Lsn, lsnToHex, lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { CapturedTable, LoggedRelation } from '../../workflows/model/relation.ts';
import type { Tuple } from '../../workflows/model/tuple.ts';
import type { LiveCapture } from '../capture/live-capture.ts';
import type { ChangeOp, ChangeSink } from '../wal/transaction.ts';
import { Batch } from './batch.ts';
import type { LandedBatch, ManifestAppender } from './manifest-appender.ts';

interface LandingOptions {
  readonly writer: ManifestAppender;
  readonly capture: LiveCapture;
  /** A new snapshot id at every call. */
  readonly newSnapshotId: () => string;
  readonly maxDelayMs: number;
  /** Is the commit at this position old? Then its batch waits for more. */
  readonly isBehind: (lsn: Lsn) => boolean;
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly nowMs: () => number;
  /** Called once a manifest is stored: acknowledges, rings the doorbell, counts. */
  readonly onLanded: (batch: LandedBatch, flushSeconds: number) => void;
  /** Holds or releases the stream. */
  readonly onPressure: (paused: boolean) => void;
}

/** One batch uploads its files while the manifest of the one before is stored. */
const MAX_IN_FLIGHT = 2;
/** After an idle time a commit waits only so long, for what is already in the socket. */
const IDLE_CUT_MS = 2;
/** While the stream catches up with old commits, a batch may fill for so long: large ones cost a third less in total. */
const CATCH_UP_DELAY_MS = 1_000;
/** … or until nothing has come for so long. */
const LULL_MS = 40;

export class Landing implements ChangeSink {
  readonly #options: LandingOptions;
  readonly #writer: ManifestAppender;
  readonly #capture: LiveCapture;
  #batch: Batch | null = null;
  #inFlight = 0;
  #chain: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #lastCutMs = 0;
  #pressed = false;
  #inTransaction = false;
  #covered = false;
  #commitLsn: Lsn = 0n;
  #commitTimeUs = 0;
  #xid = 0;
  /** End of the last transaction or keepalive after which nothing was left to land. */
  #idleLsn: Lsn = 0n;
  readonly #changedTables = new Set<string>();
  #fail: (failure: unknown) => void = () => {};
  /** Rejects with the first failure of encoding or storing. */
  readonly failed: Promise<never>;

  constructor(options: LandingOptions) {
    this.#options = options;
    this.#writer = options.writer;
    this.#capture = options.capture;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
  }

  /** Tables whose change of shape is in the manifest log: they need a new snapshot. */
  get changedTables(): ReadonlySet<string> {
    return this.#changedTables;
  }

  /** True when everything received is in the lake. */
  get idle(): boolean {
    return this.#batch === null && this.#inFlight === 0 && !this.#inTransaction;
  }

  /** Nothing before this position is still on its way to the lake. */
  get settledLsn(): Lsn {
    const durable = this.#writer.durableLsn;
    return this.idle && this.#idleLsn > durable ? this.#idleLsn : durable;
  }

  begin(commitLsn: Lsn, commitTimeUs: number, xid: number): void {
    this.#inTransaction = true;
    this.#commitLsn = commitLsn;
    this.#commitTimeUs = commitTimeUs;
    this.#xid = xid;
    // The server sends again from the acknowledged position, and the lake may be ahead of that.
    this.#covered = commitLsn < this.#writer.durableLsn;
    if (this.#covered) this.#writer.history.resent(commitLsn, commitTimeUs, xid);
    else this.#writer.history.passed(commitLsn);
  }

  change(table: CapturedTable, op: ChangeOp, ordinal: number, moved: boolean, tuple: Tuple): void {
    if (this.#covered) {
      this.#assertKnown(table);
      return;
    }
    const batch = this.#batch ?? this.#open();
    const encoder = batch.encoderOf(table, this.#commitLsn, this.#commitTimeUs, this.#xid);
    if (encoder === null) return;
    const held = encoder.bytes;
    try {
      encoder.append(op, ordinal, moved, tuple);
    } catch (failure) {
      if (!(failure instanceof WalflowError) || failure.code !== 'VALUE_NOT_EXACT') throw failure;
      this.#pauseTable(table.table, failure.code, failure.message);
      return;
    }
    batch.rows += 1;
    batch.bytes += encoder.bytes - held;
    if (batch.bytes >= this.#options.maxBytes) this.#spill(batch);
  }

  truncate(table: CapturedTable, ordinal: number): void {
    if (this.#covered) {
      this.#assertKnown(table);
      return;
    }
    const batch = this.#batch ?? this.#open();
    batch.truncates.push({ table: table.table, commitLsn: lsnToHex(this.#commitLsn), ordinal });
  }

  /** The manifest log goes on without a gap, in the new shape; the warehouse waits for a snapshot in that shape. */
  shapeChanged({ table }: CapturedTable, relation: LoggedRelation): CapturedTable | null {
    const entry = this.#capture.flowing(table);
    if (entry === undefined || this.#covered) return null;
    const batch = this.#batch ?? this.#open();
    const snapshotId = this.#options.newSnapshotId();
    const next = this.#capture.reshape(entry, { relation, commitLsn: this.#commitLsn, seq: batch.seq, snapshotId });
    if (next !== null) batch.noteCaptureChange();
    else if (!this.#pauseTable(table, 'TABLE_SHAPE_CHANGED', `${table} is no longer the table that was captured`)) {
      return null;
    }
    batch.reshaped.push(table);
    return next;
  }

  unusable(table: CapturedTable, code: string, reason: string): boolean {
    return this.#pauseTable(table.table, code, reason);
  }

  commit(_commitLsn: Lsn, endLsn: Lsn, commitTimeUs: number): void {
    this.#inTransaction = false;
    if (this.#covered) return;
    const batch = this.#batch;
    if (batch === null) {
      this.#idleLsn = endLsn;
      return;
    }
    batch.commit(this.#commitLsn, endLsn, commitTimeUs, this.#xid);
    this.#cutWhenDue(batch);
  }

  /**
   * Takes a keepalive: everything before `walEnd` was sent. Returns whether an empty manifest could move the lake there; the
   * caller decides when that is worth an object.
   */
  idleAt(walEnd: Lsn): boolean {
    if (!this.idle) return false;
    if (walEnd > this.#idleLsn) this.#idleLsn = walEnd;
    return this.#idleLsn > this.#writer.durableLsn;
  }

  /** Stores an empty manifest that ends where the idle source stands; does nothing while anything is pending. */
  landEmpty(): void {
    if (!this.idle || this.#idleLsn <= this.#writer.durableLsn) return;
    const batch = this.#open();
    batch.endLsn = this.#idleLsn;
    this.#cut(batch);
  }

  /** Lands what is complete and waits until it is stored. An open transaction is left for the next attempt. */
  async drain(): Promise<void> {
    if (this.#batch !== null && !this.#inTransaction && this.#batch.endLsn > 0n) this.#cut(this.#batch);
    await this.#chain;
  }

  /** Clears timers; call it once the stream is closed. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #open(): Batch {
    this.#batch = new Batch(this.#writer, this.#capture, this.#commitTimeUs, this.#options.nowMs());
    return this.#batch;
  }

  /** Checks a change that is sent again: the lake has every change of its table since the table's R0. */
  #assertKnown(table: CapturedTable): void {
    const entry = this.#capture.flowing(table.table);
    if (entry === undefined) return;
    this.#writer.history.resentChange(this.#commitLsn, table.table, parseLsn(entry.snapshot.r0Lsn));
  }

  /**
   * Pauses a table; its earlier changes stay in the batch. Returns false and does not pause when the change is stored
   * already, or when the table's snapshot contains it: a pause would ask for one more snapshot for nothing.
   */
  #pauseTable(table: string, code: string, reason: string): boolean {
    const entry = this.#capture.flowing(table);
    if (entry === undefined) return true;
    if (this.#covered || this.#commitLsn < parseLsn(entry.snapshot.r0Lsn)) return false;
    const batch = this.#batch ?? this.#open();
    const where = `the transaction that commits at ${lsnToText(this.#commitLsn)}`;
    this.#capture.pause(entry, { code, reason: `${reason}, in ${where}`, commitLsn: lsnToHex(this.#commitLsn) });
    batch.noteCaptureChange();
    return true;
  }

  /** Stores what is encoded as parts of the batch, and holds the stream while too many are being stored. */
  #spill(batch: Batch): void {
    batch.spill().catch((failure) => this.#fail(failure));
    if (batch.partsInFlight >= MAX_IN_FLIGHT) {
      this.#press(true);
      batch
        .settle()
        .then(() => this.#press(false))
        .catch((failure) => this.#fail(failure));
    }
  }

  /** Called outside a transaction, so the batch is complete. */
  #cutWhenDue(batch: Batch): void {
    const { maxRows, maxBytes, maxDelayMs, isBehind, nowMs } = this.#options;
    if (this.#inFlight >= MAX_IN_FLIGHT) {
      if (batch.rows >= 2 * maxRows || batch.bytes >= 2 * maxBytes) this.#press(true);
      return;
    }
    const full = batch.rows >= maxRows || batch.bytes >= maxBytes;
    const behind = isBehind(batch.endLsn);
    const delayMs = behind ? Math.max(maxDelayMs, CATCH_UP_DELAY_MS) : maxDelayMs;
    const dueMs = Math.max(this.#lastCutMs + delayMs, batch.openedAtMs + IDLE_CUT_MS);
    const waitMs = full ? 0 : dueMs - nowMs();
    if (waitMs <= 0) {
      this.#cut(batch);
      return;
    }
    const { transactions } = batch;
    const look = () => {
      this.#timer = null;
      // Nothing came, so the backlog is read and there is nothing more to wait for.
      this.#look(behind && batch.transactions === transactions);
    };
    this.#timer ??= setTimeout(
      safely(look, (failure) => this.#fail(failure)),
      behind ? Math.min(waitMs, LULL_MS) : waitMs,
    );
  }

  /** Under load the timer nearly always fires inside a transaction; then the next commit cuts the batch. */
  #look(lull = false): void {
    const batch = this.#batch;
    if (batch === null || this.#inTransaction || batch.endLsn === 0n) return;
    if (lull && this.#inFlight < MAX_IN_FLIGHT) this.#cut(batch);
    else this.#cutWhenDue(batch);
  }

  #cut(batch: Batch): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#batch = null;
    this.#inFlight += 1;
    const cutMs = this.#options.nowMs();
    this.#lastCutMs = cutMs;
    const files = batch.finish();
    files.catch(() => {});
    const capture = batch.captureChanged ? this.#capture.entries : null;
    this.#chain = this.#chain.then(async () => {
      const landed = await this.#writer.land(batch, await files, capture);
      this.#inFlight -= 1;
      for (const table of batch.reshaped) this.#changedTables.add(table);
      this.#options.onLanded(landed, (this.#options.nowMs() - cutMs) / 1000);
      this.#press(false);
      this.#look();
    });
    this.#chain.catch((failure) => this.#fail(failure));
  }

  #press(paused: boolean): void {
    if (this.#pressed === paused) return;
    this.#pressed = paused;
    this.#options.onPressure(paused);
  }
}
