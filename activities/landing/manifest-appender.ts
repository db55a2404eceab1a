// Appends to a pipeline's manifest log: knows the head, stores data files under its own nonce or puts them into the manifest,
// and appends manifests by conditional PUT. If it finds another writer's manifest in its place, that writer has taken over
// and this one ends.

import { randomUUID } from 'node:crypto';
import { isoFromMicros, laterIso } from '../../workflows/model/commit-time.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { type Lsn, lsnToHex, parseLsn } from '../../workflows/model/lsn.ts';
import {
  type CaptureEntry,
  type DataFile,
  FIRST_FORMAT_VERSION,
  type LastCommit,
  MANIFEST_FORMAT_VERSION,
  type Manifest,
  type ManifestTable,
  type ManifestWriter,
  type StoredManifest,
  type Truncate,
} from '../../workflows/model/manifest.ts';
import type { RunRef } from '../../workflows/model/run.ts';
import type { LogPosition } from '../capture/log-position.ts';
import { shapeKey } from '../capture/schema-version.ts';
import { ChangeFileEncoder, type EncodedChangeFile } from '../lake/change-file.ts';
import { inlineFiles, withoutBodies } from '../lake/inline-file.ts';
import { appendManifest, type ManifestStore } from '../lake/log.ts';
import { dataKey, inlineKey } from '../lake/object-key.ts';
import type { IngestResources, PipelineResources } from '../resources.ts';
import { SharedHistory } from './shared-history.ts';

/** What the appender needs from the lake. */
export interface LakeStore extends ManifestStore {
  putIfAbsent(key: string, body: Uint8Array, sha256: string): Promise<'stored' | 'exists'>;
  exists(key: string): Promise<boolean>;
}

/** What a manifest says about its batch of whole transactions. */
export interface BatchContent {
  readonly rows: number;
  readonly transactions: number;
  readonly firstCommitTimeUs: number;
  readonly effectiveTimeUs: number;
  readonly lastCommit: LastCommit | null;
  readonly endLsn: Lsn;
  readonly truncates: readonly Truncate[];
}

export interface LandedBatch {
  readonly manifest: Manifest;
  readonly endLsn: Lsn;
  readonly rows: number;
}

interface AppenderOptions {
  readonly pipeline: string;
  readonly lake: LakeStore;
  readonly position: LogPosition;
  readonly writer: ManifestWriter;
  /** Ask for each data file (HEAD) before its manifest is stored. */
  readonly verifyWrites: boolean;
  /** The files of a batch that are together at most so large ride inside its manifest. */
  readonly inlineBytes: number;
}

/** Where a file stands in its batch. */
interface FilePlace {
  readonly seq: number;
  readonly part: number;
  readonly commitTimeUs: number;
}

/** What a manifest says besides the position it continues. */
interface ManifestContent {
  readonly endLsn: Lsn;
  readonly tables: readonly ManifestTable[];
  readonly capture: readonly CaptureEntry[] | null;
  readonly batch: BatchContent | null;
}

/** An appender that continues a position, with a nonce of its own, which no other attempt uses. */
export function openAppender(
  { version }: Pick<IngestResources, 'version'>,
  { name, lake, verifyWrites, inlineBytes }: PipelineResources,
  position: LogPosition,
  run: RunRef,
): ManifestAppender {
  const writer = { ...run, nonce: randomUUID().slice(0, 8), version };
  return new ManifestAppender({ pipeline: name, lake, position, writer, verifyWrites, inlineBytes });
}

export class ManifestAppender {
  /** Checks that the source still has the history that is in the lake. */
  readonly history: SharedHistory;
  readonly #options: AppenderOptions;
  readonly #spare = new Map<string, ChangeFileEncoder[]>();
  #head: StoredManifest | null;
  #reservedSeq: number;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#head = options.position.head;
    this.#reservedSeq = this.#head?.manifest.seq ?? 0;
    const { head, epochNo, resumeLsn } = options.position;
    const lastCommit = head?.manifest.epochNo === epochNo ? head.manifest.lastCommit : null;
    this.history = new SharedHistory({ lastCommit, endLsn: this.durableLsn, resumeLsn });
  }

  get inlineBytes(): number {
    return this.#options.inlineBytes;
  }

  get head(): StoredManifest | null {
    return this.#head;
  }

  /** End of the manifest log: every transaction with a commit LSN below it is covered. */
  get durableLsn(): Lsn {
    const { epoch, epochNo } = this.#options.position;
    const continued = this.#head !== null && this.#head.manifest.epochNo === epochNo;
    return parseLsn(continued && this.#head !== null ? this.#head.manifest.endLsn : epoch.consistentPoint);
  }

  /** The number of the next batch; batches are opened, and land, in this order. */
  reserveSeq(): number {
    this.#reservedSeq += 1;
    return this.#reservedSeq;
  }

  /** An empty encoder for a table; encoders are reused. */
  encoderFor(entry: CaptureEntry): ChangeFileEncoder {
    return this.#spare.get(shapeKey(entry))?.pop() ?? new ChangeFileEncoder(entry, this.#options.position.unencoded);
  }

  recycle(entry: CaptureEntry, encoder: ChangeFileEncoder): void {
    encoder.reset();
    const spare = this.#spare.get(shapeKey(entry));
    if (spare === undefined) this.#spare.set(shapeKey(entry), [encoder]);
    else spare.push(encoder);
  }

  /** Encodes one file; the encoder can then be used again. */
  async encode(entry: CaptureEntry, encoder: ChangeFileEncoder): Promise<EncodedChangeFile> {
    const encoded = await encoder.finish();
    this.recycle(entry, encoder);
    return encoded;
  }

  /** A file that is stored with its manifest. */
  inlineFile(encoded: EncodedChangeFile, { seq, part }: FilePlace): DataFile {
    return { ...describeFile(inlineKey(seq, part), encoded), inline: encoded.bytes.toString('base64') };
  }

  /** Stores one file as an object; it does not count until a manifest names it. */
  async storeFile(entry: CaptureEntry, encoded: EncodedChangeFile, place: FilePlace): Promise<DataFile> {
    const { lake, writer, verifyWrites } = this.#options;
    const key = dataKey({ schema: entry.schema, name: entry.name, ...place, nonce: writer.nonce });
    // No other attempt uses this nonce, so an object that exists is this same upload, retried by the client.
    await lake.putIfAbsent(key, encoded.bytes, encoded.sha256);
    if (verifyWrites && !(await lake.exists(key))) {
      throw new WalflowError('LAKE_LOST_OBJECT', `${key} was confirmed by the store but is not there`);
    }
    return describeFile(key, encoded);
  }

  /** Appends the manifest of a batch whose files are stored. */
  async land(
    batch: BatchContent,
    tables: readonly ManifestTable[],
    capture: readonly CaptureEntry[] | null,
  ): Promise<LandedBatch> {
    const manifest = await this.#append({ endLsn: batch.endLsn, tables, capture, batch });
    return { manifest, endLsn: batch.endLsn, rows: batch.rows };
  }

  /** Appends a manifest that changes what is captured, or begins an epoch, and carries no transaction. */
  async recordCapture(capture: readonly CaptureEntry[]): Promise<Manifest> {
    this.reserveSeq();
    return await this.#append({ endLsn: this.durableLsn, tables: [], capture, batch: null });
  }

  async #append(content: ManifestContent): Promise<Manifest> {
    const { pipeline, lake, position, writer } = this.#options;
    const previous = this.#head?.manifest ?? null;
    const { batch } = content;
    const seq = (previous?.seq ?? 0) + 1;
    const transactions = batch?.transactions ?? 0;
    const lastCommitTime = batch?.lastCommit?.time ?? null;
    const effective = previous?.effectiveTime ?? null;
    const manifest: Manifest = {
      formatVersion: inlineFiles(content).length > 0 ? MANIFEST_FORMAT_VERSION : FIRST_FORMAT_VERSION,
      pipeline,
      seq,
      epochNo: position.epochNo,
      epoch: position.epoch,
      timeline: position.timeline,
      previousHash: this.#head?.hash ?? null,
      startLsn: lsnToHex(this.durableLsn),
      endLsn: lsnToHex(content.endLsn),
      firstCommitTime: batch && transactions > 0 ? isoFromMicros(batch.firstCommitTimeUs) : null,
      lastCommitTime,
      effectiveTime: batch && transactions > 0 ? laterIso(effective, isoFromMicros(batch.effectiveTimeUs)) : effective,
      lastCommit: batch?.lastCommit ?? (previous?.epochNo === position.epochNo ? previous.lastCommit : null),
      transactions,
      tables: content.tables,
      truncates: batch?.truncates ?? [],
      capture: content.capture,
      captureSeq: content.capture === null ? (previous?.captureSeq ?? seq) : seq,
      writer,
    };
    const { hash } = await appendManifest(lake, manifest);
    const kept = withoutBodies(manifest);
    this.#head = { manifest: kept, hash };
    return kept;
  }
}

function describeFile(key: string, encoded: EncodedChangeFile): DataFile {
  return {
    key,
    rows: encoded.rows,
    bytes: encoded.bytes.length,
    sha256: encoded.sha256,
    minCommitLsn: lsnToHex(encoded.minCommitLsn),
    maxCommitLsn: lsnToHex(encoded.maxCommitLsn),
    minCommitTime: isoFromMicros(encoded.minCommitTimeUs),
    maxCommitTime: isoFromMicros(encoded.maxCommitTimeUs),
    inserts: encoded.inserts,
    updates: encoded.updates,
    deletes: encoded.deletes,
    moved: encoded.moved,
    unchangedColumns: encoded.unchangedColumns,
  };
}
