// Stores the rows of a snapshot, chunk by chunk: while one chunk is encoded and stored, the next one takes rows.
// Invariant: the marker of chunk n exists before that of chunk n + 1.

import { randomUUID } from 'node:crypto';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { Lsn } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, ChunkMarker, SnapshotFile } from '../../workflows/model/manifest.ts';
import type { Tuple } from '../../workflows/model/tuple.ts';
import { ChangeFileEncoder } from '../lake/change-file.ts';
import type { ManifestStore } from '../lake/log.ts';
import { snapshotChunkKey } from '../lake/object-key.ts';
import { storeMarker } from './chunk-marker.ts';

export class ChunkWriter {
  /** The chunks stored so far. */
  readonly files: SnapshotFile[] = [];
  /** Rows taken so far, stored or not. */
  rows = 0;
  readonly #lake: ManifestStore;
  readonly #entry: CaptureEntry;
  readonly #unencoded: boolean;
  readonly #encoders: ChangeFileEncoder[] = [];
  #open: ChangeFileEncoder | null = null;
  #r0Lsn: Lsn = 0n;
  #storing: Promise<void> = Promise.resolve();

  /** @param unencoded the source has no encoding, so texts are checked to be UTF-8 */
  constructor(lake: ManifestStore, entry: CaptureEntry, unencoded: boolean) {
    this.#lake = lake;
    this.#entry = entry;
    this.#unencoded = unencoded;
  }

  /** Every row is as of this position, or later. */
  begin(r0Lsn: Lsn): void {
    this.#r0Lsn = r0Lsn;
  }

  /** Adds a chunk that an earlier attempt stored. */
  keep({ file }: ChunkMarker): void {
    if (file === null) return;
    this.files.push(file);
    this.rows += file.rows;
  }

  /** @throws WalflowError VALUE_NOT_EXACT */
  take(row: Tuple): void {
    this.#open ??= this.#beginChunk();
    this.#open.append('r', this.#open.rows, false, row);
    this.rows += 1;
  }

  /** Throws away the rows taken since the last chunk ended. */
  discard(): void {
    if (this.#open === null) return;
    this.rows -= this.#open.rows;
    this.#open.reset();
    this.#encoders.push(this.#open);
    this.#open = null;
  }

  /**
   * Ends the chunk. Resolves once the chunk before it is stored.
   * @param mark what the marker holds besides the file; null = no markers, the snapshot cannot be continued.
   * @throws WalflowError LOG_TAKEN_OVER when another attempt stored this chunk's marker.
   */
  async cut(mark: Pick<ChunkMarker, 'lastKey' | 'last'> | null): Promise<void> {
    const before = this.#storing;
    const encoder = this.#open;
    this.#open = null;
    this.#storing = before.then(() => this.#store(encoder, mark));
    this.#storing.catch(() => {});
    await before;
  }

  /** Resolves once everything is stored. */
  async settle(): Promise<void> {
    await this.#storing;
  }

  #beginChunk(): ChangeFileEncoder {
    const encoder = this.#encoders.pop() ?? new ChangeFileEncoder(this.#entry, this.#unencoded);
    encoder.beginTransaction(this.#r0Lsn, Date.now() * 1000, 0);
    return encoder;
  }

  async #store(encoder: ChangeFileEncoder | null, mark: Pick<ChunkMarker, 'lastKey' | 'last'> | null): Promise<void> {
    const n = this.files.length;
    const file = encoder === null ? null : await this.#storeFile(encoder, n);
    if (mark !== null) {
      const stored = await storeMarker(this.#lake, this.#entry, n, { file, ...mark });
      // Its chunk may end with another key than ours, and then the next one begins elsewhere.
      if (stored.file?.key !== file?.key)
        throw new WalflowError('LOG_TAKEN_OVER', `another attempt takes the snapshot of ${this.#entry.table}`);
    }
    if (file !== null) this.files.push(file);
  }

  async #storeFile(encoder: ChangeFileEncoder, n: number): Promise<SnapshotFile> {
    const { bytes, sha256, rows } = await encoder.finish();
    encoder.reset();
    this.#encoders.push(encoder);
    const key = snapshotChunkKey(this.#entry, this.#entry.snapshot.id, n, randomUUID().slice(0, 8));
    await this.#lake.putIfAbsent(key, bytes, sha256);
    return { key, rows, bytes: bytes.length, sha256 };
  }
}
