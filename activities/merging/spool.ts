// Data files on their way from the lake to the warehouse, on the local disk: each is fetched once, and few at a time. Inline
// files are taken from the manifests that were read for a window; for a load, their manifests are read again.

import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { Manifest } from '../../workflows/model/manifest.ts';
import { bodyOf, inlineFiles, withoutBodies } from '../lake/inline-file.ts';
import { readManifest } from '../lake/log.ts';
import { holderOf } from '../lake/object-key.ts';
import { saveVerified } from '../lake/s3/download.ts';
import type { S3Lake } from '../lake/s3/lake.ts';
import type { FileSource, LakeFile } from '../warehouse/file-source.ts';
import { Turnstile } from '../warehouse/turnstile.ts';

/** Fewer than the client's sockets: waiting for a socket counts as request time, and manifests are read meanwhile. */
const FETCHES_AT_ONCE = 32;

type FileStore = Pick<S3Lake, 'get' | 'getToFile'>;

export class Spool implements FileSource {
  readonly #lake: FileStore;
  readonly #folder: string;
  readonly #fetching = new Turnstile(FETCHES_AT_ONCE);
  readonly #paths = new Map<string, Promise<string>>();

  /** @param folder of this spool alone, inside one that the warehouse may read */
  constructor(lake: FileStore, folder: string) {
    this.#lake = lake;
    this.#folder = folder;
  }

  /** Removes what earlier attempts left behind. */
  async empty(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true });
  }

  /** Saves the inline files of a manifest that was just read; returns it without them. A damaged one is found by `local`. */
  take(manifest: Manifest): Manifest {
    for (const file of inlineFiles(manifest)) {
      this.#saving(file, (path) => saveVerified(bodyOf(file), path, file.key, file)).catch(() => {});
    }
    return withoutBodies(manifest);
  }

  async local(file: LakeFile): Promise<string> {
    return await this.#saving(file, (path) => this.#fetching.pass(() => this.#fetch(file, path)));
  }

  /** Removes the local copies of files that are merged: those of a snapshot are as large as its table. */
  async release(files: readonly LakeFile[]): Promise<void> {
    await Promise.all(files.map((file) => this.#remove(file)));
  }

  #saving(file: LakeFile, save: (path: string) => Promise<void>): Promise<string> {
    const known = this.#paths.get(file.key);
    if (known !== undefined) return known;
    const path = this.#pathOf(file);
    const saved = save(path).then(() => path);
    this.#paths.set(file.key, saved);
    return saved;
  }

  async #fetch(file: LakeFile, path: string): Promise<void> {
    const seq = holderOf(file.key);
    if (seq === null) return await this.#lake.getToFile(file.key, path, file);
    const holder = await readManifest(this.#lake, seq);
    const found = holder === null ? [] : inlineFiles(holder.manifest);
    const body = found.find(({ key }) => key === file.key);
    if (body === undefined) throw new WalflowError('DATA_FILE_DAMAGED', `${file.key} is not in the lake`);
    await saveVerified(bodyOf(body), path, file.key, file);
  }

  async #remove({ key }: LakeFile): Promise<void> {
    const fetched = this.#paths.get(key);
    this.#paths.delete(key);
    const path = await fetched?.catch(() => undefined);
    if (path !== undefined) await rm(path, { force: true });
  }

  /** Named by the key, which no other object ever has: an attempt believed dead cannot put anything else here. */
  #pathOf({ key }: LakeFile): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex')}.parquet`);
  }
}
