// A batch: whole transactions on their way to one manifest. It has one encoder per table and, for transactions too large
// for memory, the parts that were stored while the transaction was still arriving. A small one rides inside its manifest.

import { isoFromMicros } from '../../workflows/model/commit-time.ts';
import { type Lsn, lsnToHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, DataFile, LastCommit, ManifestTable, Truncate } from '../../workflows/model/manifest.ts';
import type { CapturedTable } from '../../workflows/model/relation.ts';
import type { LiveCapture } from '../capture/live-capture.ts';
import { shapeKey } from '../capture/schema-version.ts';
import type { ChangeFileEncoder, EncodedChangeFile } from '../lake/change-file.ts';
import { areWithin } from './inline-limit.ts';
import type { ManifestAppender } from './manifest-appender.ts';

interface OpenFile {
  readonly entry: CaptureEntry;
  readonly encoder: ChangeFileEncoder;
  /** Position of the transaction the encoder began last. */
  commitLsn: Lsn;
}

interface Part {
  readonly table: string;
  readonly schemaVersion: string;
  /** Resolves once the file is an object, or is to ride inside the manifest. */
  readonly placed: Promise<DataFile>;
}

export class Batch {
  readonly seq: number;
  readonly openedAtMs: number;
  readonly firstCommitTimeUs: number;
  readonly truncates: Truncate[] = [];
  rows = 0;
  /** Bytes held in the encoders of all tables: this bounds memory. Counted for each row, because a few rows can be gigabytes. */
  bytes = 0;
  transactions = 0;
  lastCommit: LastCommit | null = null;
  /** Latest commit time in the batch. */
  effectiveTimeUs = 0;
  endLsn: Lsn = 0n;
  /** Tables that got another shape in this batch. */
  readonly reshaped: string[] = [];
  partsInFlight = 0;
  readonly #writer: ManifestAppender;
  readonly #capture: LiveCapture;
  /** One per table and shape. */
  readonly #files = new Map<string, OpenFile>();
  readonly #parts: Part[] = [];
  #captureChanged = false;
  #lastTable: CapturedTable | null = null;
  #lastFile: OpenFile | null = null;

  constructor(writer: ManifestAppender, capture: LiveCapture, commitTimeUs: number, nowMs: number) {
    this.#writer = writer;
    this.#capture = capture;
    this.seq = writer.reserveSeq();
    this.openedAtMs = nowMs;
    this.firstCommitTimeUs = commitTimeUs;
  }

  /** The table's encoder, in the current transaction; null when the table takes no more changes. */
  encoderOf(table: CapturedTable, commitLsn: Lsn, commitTimeUs: number, xid: number): ChangeFileEncoder | null {
    const file = table === this.#lastTable ? this.#lastFile : this.#fileOf(table);
    if (file === null) return null;
    if (file.commitLsn !== commitLsn) {
      file.encoder.beginTransaction(commitLsn, commitTimeUs, xid);
      file.commitLsn = commitLsn;
    }
    return file.encoder;
  }

  /** The captured tables changed, so the manifest of this batch records them. */
  noteCaptureChange(): void {
    this.#captureChanged = true;
    this.#lastTable = null;
  }

  get captureChanged(): boolean {
    return this.#captureChanged;
  }

  commit(commitLsn: Lsn, endLsn: Lsn, commitTimeUs: number, xid: number): void {
    this.transactions += 1;
    this.endLsn = endLsn;
    this.effectiveTimeUs = Math.max(this.effectiveTimeUs, commitTimeUs);
    this.lastCommit = { lsn: lsnToHex(commitLsn), xid, time: isoFromMicros(commitTimeUs) };
  }

  /** Stores what is encoded so far as parts; the batch goes on. */
  async spill(): Promise<void> {
    const before = this.#parts.length;
    this.#seal(false);
    await Promise.all(this.#parts.slice(before).map((part) => part.placed));
  }

  /** Waits until every part is stored. */
  async settle(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.placed));
  }

  /** Encodes what is left and stores it, unless the manifest can hold it; resolves with the manifest's entries for tables. */
  async finish(): Promise<readonly ManifestTable[]> {
    this.#seal(this.#parts.length === 0);
    const byShape = new Map<string, { table: string; schemaVersion: string; files: DataFile[] }>();
    for (const { table, schemaVersion, placed } of this.#parts) {
      const file = await placed;
      const shape = shapeKey({ table, schemaVersion });
      const entry = byShape.get(shape) ?? { table, schemaVersion, files: [] };
      entry.files.push(file);
      byShape.set(shape, entry);
    }
    return [...byShape.values()];
  }

  #fileOf(table: CapturedTable): OpenFile | null {
    const entry = this.#capture.flowing(table.table);
    // A paused table never becomes the last one, so this is asked again for each of its changes.
    if (entry === undefined) return null;
    const existing = this.#files.get(shapeKey(entry));
    const file = existing ?? { entry, encoder: this.#writer.encoderFor(entry), commitLsn: -1n };
    if (existing === undefined) this.#files.set(shapeKey(entry), file);
    this.#lastTable = table;
    this.#lastFile = file;
    return file;
  }

  /** @param whole these are all files of the batch */
  #seal(whole: boolean): void {
    const sealed: { readonly entry: CaptureEntry; readonly encoding: Promise<EncodedChangeFile> }[] = [];
    for (const { entry, encoder } of this.#files.values()) {
      if (encoder.rows === 0) this.#writer.recycle(entry, encoder);
      else sealed.push({ entry, encoding: this.#writer.encode(entry, encoder) });
    }
    const files = sealed.map(({ encoding }) => encoding);
    const inline = whole ? areWithin(this.#writer.inlineBytes, files) : Promise.resolve(false);
    for (const { entry, encoding } of sealed) {
      this.partsInFlight += 1;
      const placed = this.#place(entry, encoding, inline, this.#parts.length);
      placed.then(
        () => {
          this.partsInFlight -= 1;
        },
        () => {},
      );
      this.#parts.push({ table: entry.table, schemaVersion: entry.schemaVersion, placed });
    }
    this.#files.clear();
    this.bytes = 0;
    this.#lastTable = null;
    this.#lastFile = null;
  }

  async #place(
    entry: CaptureEntry,
    encoding: Promise<EncodedChangeFile>,
    inline: Promise<boolean>,
    part: number,
  ): Promise<DataFile> {
    const encoded = await encoding;
    const place = { seq: this.seq, part, commitTimeUs: this.firstCommitTimeUs };
    if (await inline) return this.#writer.inlineFile(encoded, place);
    return await this.#writer.storeFile(entry, encoded, place);
  }
}
