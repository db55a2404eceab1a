// Data files on their way from the lake to the warehouse, on the local disk: each is fetched once, and few at a time.

import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Lake } from '../lake/s3/lake.ts';
import type { FileSource, LakeFile } from '../warehouse/file-source.ts';
import { Turnstile } from '../warehouse/turnstile.ts';

/** Fewer than the client's sockets: waiting for a socket counts as request time, and manifests are read meanwhile. */
const FETCHES_AT_ONCE = 32;

export class Spool implements FileSource {
  readonly #lake: Pick<S3Lake, 'getToFile'>;
  readonly #folder: string;
  readonly #fetching = new Turnstile(FETCHES_AT_ONCE);
  readonly #paths = new Map<string, Promise<string>>();

  /** @param folder of this spool alone, inside one that the warehouse may read */
  constructor(lake: Pick<S3Lake, 'getToFile'>, folder: string) {
    this.#lake = lake;
    this.#folder = folder;
  }

  /** Removes what earlier attempts left behind. */
  async empty(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true });
  }

  async local(file: LakeFile): Promise<string> {
    const known = this.#paths.get(file.key);
    if (known !== undefined) return await known;
    const path = this.#pathOf(file);
    const fetched = this.#fetching.pass(() => this.#lake.getToFile(file.key, path, file)).then(() => path);
    this.#paths.set(file.key, fetched);
    return await fetched;
  }

  /** Removes the local copies of files that are merged: those of a snapshot are as large as its table. */
  async release(files: readonly LakeFile[]): Promise<void> {
    await Promise.all(files.map((file) => this.#remove(file)));
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
