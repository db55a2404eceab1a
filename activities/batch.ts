// A batch = whole transactions on their way to one manifest. It owns one encoder per table and, for transactions larger
// than memory should hold, the parts that were already stored while the transaction was still arriving.

import { isoFromMicros } from '../workflows/model/commit-time.ts';
import { type Lsn, lsnToHex } from '../workflows/model/lsn.ts';
import type { CaptureEntry, DataFile, LastCommit, ManifestTable, Truncate } from '../workflows/model/manifest.ts';
import type { CapturedTable } from '../workflows/model/relation.ts';
import type { ChangeFileEncoder } from './lake/change-file.ts';
import type { LogWriter } from './log-writer.ts';

interface OpenFile {
  readonly entry: CaptureEntry;
  readonly encoder: ChangeFileEncoder;
  /** Position of the transaction the encoder was last told about. */
  commitLsn: Lsn;
}

interface Part {
  readonly table: string;
  readonly schemaVersion: string;
  readonly part: number;
  readonly stored: Promise<DataFile>;
}

export class Batch {
  readonly seq: number;
  readonly openedAtMs: number;
  readonly firstCommitTimeUs: number;
  readonly truncates: Truncate[] = [];
  rows = 0;
  transactions = 0;
  lastCommit: LastCommit | null = null;
  /** Running maximum inside the batch. */
  effectiveTimeUs = 0;
  endLsn: Lsn = 0n;
  captureChanged = false;
  partsInFlight = 0;
  readonly #writer: LogWriter;
  readonly #capture: ReadonlyMap<string, CaptureEntry>;
  readonly #files = new Map<string, OpenFile>();
  readonly #parts: Part[] = [];
  #lastTable: CapturedTable | null = null;
  #lastFile: OpenFile | null = null;

  constructor(writer: LogWriter, capture: ReadonlyMap<string, CaptureEntry>, commitTimeUs: number, nowMs: number) {
    this.#writer = writer;
    this.#capture = capture;
    this.seq = writer.reserveSeq();
    this.openedAtMs = nowMs;
    this.firstCommitTimeUs = commitTimeUs;
  }

  /** Raw bytes held in encoders: what bounds memory. */
  get bytes(): number {
    let bytes = 0;
    for (const file of this.#files.values()) bytes += file.encoder.bytes;
    return bytes;
  }

  /** The encoder for a table, told about the current transaction; null when the table takes no more changes. */
  encoderOf(table: CapturedTable, commitLsn: Lsn, commitTimeUs: number, xid: number): ChangeFileEncoder | null {
    const file = table === this.#lastTable ? this.#lastFile : this.#fileOf(table);
    if (file === null) return null;
    if (file.commitLsn !== commitLsn) {
      file.encoder.beginTransaction(commitLsn, commitTimeUs, xid);
      file.commitLsn = commitLsn;
    }
    return file.encoder;
  }

  commit(commitLsn: Lsn, endLsn: Lsn, commitTimeUs: number, xid: number): void {
    this.transactions += 1;
    this.endLsn = endLsn;
    this.effectiveTimeUs = Math.max(this.effectiveTimeUs, commitTimeUs);
    this.lastCommit = { lsn: lsnToHex(commitLsn), xid, time: isoFromMicros(commitTimeUs) };
  }

  /** A paused table: drop what this batch holds of it; the copy that ends the pause brings those rows. */
  forget(table: string): void {
    const file = this.#files.get(table);
    this.#lastTable = null;
    this.#files.delete(table);
    if (file !== undefined) {
      this.rows -= file.encoder.rows;
      this.#writer.recycle(file.entry, file.encoder);
    }
  }

  /** Stores what is encoded so far as parts of a batch that goes on. */
  async spill(): Promise<void> {
    const before = this.#parts.length;
    this.#seal();
    await Promise.all(this.#parts.slice(before).map((part) => part.stored));
  }

  /** Waits for every part that is on its way. */
  async settle(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.stored));
  }

  /** Encodes and stores everything; resolves with the manifest's table entries. */
  async finish(): Promise<readonly ManifestTable[]> {
    this.#seal();
    const byTable = new Map<string, { schemaVersion: string; files: DataFile[] }>();
    for (const part of this.#parts) {
      const file = await part.stored;
      const entry = byTable.get(part.table) ?? { schemaVersion: part.schemaVersion, files: [] };
      entry.files.push(file);
      byTable.set(part.table, entry);
    }
    return [...byTable].map(([table, entry]) => ({ table, ...entry }));
  }

  #fileOf(table: CapturedTable): OpenFile | null {
    this.#lastTable = table;
    const existing = this.#files.get(table.table);
    if (existing !== undefined) {
      this.#lastFile = existing;
      return existing;
    }
    const entry = this.#capture.get(table.table);
    if (entry === undefined || entry.paused !== undefined) {
      this.#lastFile = null;
      return null;
    }
    const file: OpenFile = { entry, encoder: this.#writer.encoderFor(entry), commitLsn: -1n };
    this.#files.set(table.table, file);
    this.#lastFile = file;
    return file;
  }

  #seal(): void {
    for (const { entry, encoder } of this.#files.values()) {
      if (encoder.rows === 0) {
        this.#writer.recycle(entry, encoder);
        continue;
      }
      const part = this.#parts.length;
      this.partsInFlight += 1;
      const stored = this.#writer.storeFile(entry, encoder, {
        seq: this.seq,
        part,
        commitTimeUs: this.firstCommitTimeUs,
      });
      stored.then(
        () => {
          this.partsInFlight -= 1;
        },
        () => {},
      );
      this.#parts.push({ table: entry.table, schemaVersion: entry.schemaVersion, part, stored });
    }
    this.#files.clear();
    this.#lastTable = null;
    this.#lastFile = null;
  }
}
